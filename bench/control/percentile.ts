/**
 * The least of the values that at least that share of them does not exceed (nearest rank). Not a number for an empty
 * list.
 *
 * @param share 0–1
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}
