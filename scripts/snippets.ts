// Finds the programs that a document prints, so that what is run is what is read. For scripts/package-smoke.

/** Text by file name, of every block whose first line is a comment with a file's name. Throws when a name stands twice. */
export function snippetsOf(markdown: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [, text] of markdown.matchAll(/^```(?:ts|yaml)\n([\s\S]*?)^```/gm)) {
    const name = /^(?:\/\/|#) ([a-z][a-z0-9-]*\.(?:ts|yaml))$/m.exec(text!.split('\n', 1)[0]!)?.[1];
    if (name === undefined) continue;
    if (found.has(name)) throw new Error(`${name} is printed twice.`);
    found.set(name, text!);
  }
  return found;
}
