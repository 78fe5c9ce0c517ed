// Decides whether a text is what Prometheus may be given, by its format's own words, and what it says. For tests of metrics.

export interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ReadFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ReadSample[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`, 's');
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/;

/** Throws at the first thing that a strict reader of the text format 0.0.4 would refuse. */
export function readExposition(text: string): ReadonlyMap<string, ReadFamily> {
  if (!text.endsWith('\n')) throw new Error('The last line does not end.');
  const families = new Map<string, { name: string; type: string; help: string; samples: ReadSample[] }>();
  const seen = new Set<string>();
  let current: { name: string; type: string; help: string; samples: ReadSample[] } | undefined;
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const help = new RegExp(`^# HELP (${NAME}) (.*)$`).exec(line);
    if (help !== null) {
      if (families.has(help[1]!)) throw new Error(`${help[1]} comes twice.`);
      current = { name: help[1]!, type: '', help: help[2]!, samples: [] };
      families.set(current.name, current);
      continue;
    }
    const type = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary)$`).exec(line);
    if (type !== null) {
      if (current?.name !== type[1] || current!.type !== '') throw new Error(`A type out of place: ${line}`);
      current!.type = type[2]!;
      continue;
    }
    if (line.startsWith('#')) throw new Error(`A comment that is none of ours: ${line}`);
    const sample = readSample(line);
    if (current === undefined || !belongs(sample.name, current)) throw new Error(`A line out of place: ${line}`);
    const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
    if (seen.has(key)) throw new Error(`Said twice: ${line}`);
    seen.add(key);
    current.samples.push(sample);
  }
  for (const one of families.values()) {
    if (one.type === '') throw new Error(`${one.name} has no type.`);
    if (one.type === 'histogram') checkHistogram(one);
    if (one.type === 'counter' && one.samples.some(({ value }) => !(value >= 0))) throw new Error(`${one.name} fell.`);
  }
  return families;
}

function readSample(line: string): ReadSample {
  const match = SAMPLE.exec(line);
  if (match === null) throw new Error(`No sample: ${line}`);
  const labels: Record<string, string> = {};
  let rest = match[2] ?? '';
  while (rest !== '') {
    const label = LABEL.exec(rest);
    if (label === null) throw new Error(`No label: ${rest}`);
    if (Object.hasOwn(labels, label[1]!)) throw new Error(`The label ${label[1]} comes twice: ${line}`);
    labels[label[1]!] = label[2]!.replace(/\\(.)/g, (_all, one: string) => (one === 'n' ? '\n' : one));
    rest = rest.slice(label[0].length);
  }
  if (!NUMBER.test(match[3]!)) throw new Error(`No number: ${line}`);
  return { name: match[1]!, labels, value: Number(match[3]!.replace('Inf', 'Infinity')) };
}

function belongs(name: string, { name: family, type }: { name: string; type: string }): boolean {
  if (type !== 'histogram') return name === family;
  return ['_bucket', '_sum', '_count'].some((end) => name === family + end);
}

/** Per set of labels: bounds rise, counts never fall, the last bucket is +Inf and holds all. */
function checkHistogram({ name, samples }: ReadFamily): void {
  const groups = new Map<string, ReadSample[]>();
  for (const sample of samples) {
    const { le: _le, ...labels } = sample.labels;
    const key = JSON.stringify(labels);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const [key, group] of groups) {
    const buckets = group.filter((one) => one.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => Number(labels['le']!.replace('Inf', 'Infinity')));
    const counts = buckets.map(({ value }) => value);
    const rises = (values: readonly number[]) => values.every((value, at) => at === 0 || value >= values[at - 1]!);
    const count = group.find((one) => one.name === `${name}_count`)?.value;
    const sums = group.filter((one) => one.name === `${name}_sum`).length;
    if (
      !rises(bounds) ||
      !rises(counts) ||
      bounds.at(-1) !== Number.POSITIVE_INFINITY ||
      counts.at(-1) !== count ||
      sums !== 1
    )
      throw new Error(`${name} is no histogram at ${key}.`);
  }
}
