/**
 * Tables of text for a terminal, and the same in Markdown.
 *
 * @module
 */

/** Lays out rows in columns. A column of figures is set to the right. */
export function formatTable(header: string[], rows: string[][]): string {
  const columns = header.map((title, column) => {
    const cells = rows.map((row) => row[column] ?? "");
    return {
      width: Math.max(...[title, ...cells].map((cell) => cell.length)),
      figures: cells.every((cell) => /^([-+<>=~ ]*[\d.].*|-?)$/.test(cell)),
    };
  });
  const line = (row: string[]) =>
    columns.map(({ width, figures }, column) => {
      const cell = row[column] ?? "";
      return figures ? cell.padStart(width) : cell.padEnd(width);
    }).join("  ").trimEnd();
  const rule = columns.map(({ width }) => "-".repeat(width)).join("  ");
  return [line(header), rule, ...rows.map(line)].join("\n");
}
