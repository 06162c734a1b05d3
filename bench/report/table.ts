/** A column of a printed table. */
export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  /** Words stand left, numbers right; right unless given. */
  readonly align?: "left" | "right";
}

/** Rows and a head line as text, columns aligned with spaces. */
export function formatTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((column) => column.text(row))),
  ];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index]!.length)));
  const lines = cells.map((line) =>
    line.map((text, index) =>
      columns[index]!.align === "left" ? text.padEnd(widths[index]!) : text.padStart(widths[index]!)
    ).join("  ").trimEnd()
  );
  lines.splice(1, 0, widths.map((width) => "-".repeat(width)).join("  "));
  return lines.join("\n");
}
