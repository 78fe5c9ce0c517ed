// Decides that the reader which judges our metrics refuses what Prometheus would refuse.
import { describe, expect, it } from 'vitest';
import { readExposition } from './exposition.ts';

const head = '# HELP a x\n# TYPE a counter\n';
const histogram = (lines: string) => `# HELP h x\n# TYPE h histogram\n${lines}`;

describe('the reader of the exposition format', () => {
  it('reads escapes, numbers and histograms', () => {
    const text = `${head}a{b="q\\"\\\\\\n"} 1.5e3\n${histogram('h_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 3\nh_count 2\n')}`;
    const read = readExposition(text);
    expect(read.get('a')!.samples).toEqual([{ name: 'a', labels: { b: 'q"\\\n' }, value: 1500 }]);
    expect(read.get('h')!.samples).toHaveLength(4);
  });

  it.each([
    ['an end without a line end', `${head}a 1`],
    ['a quote that is not escaped', `${head}a{b="q"q"} 1\n`],
    ['a line break within a label', `${head}a{b="q\nq"} 1\n`],
    ['a label twice', `${head}a{b="1",b="2"} 1\n`],
    ['a series twice', `${head}a{b="1"} 1\na{b="1"} 2\n`],
    ['a family twice', `${head}a 1\n${head}a 1\n`],
    ['no number', `${head}a Nan\n`],
    ['a counter below zero', `${head}a -1\n`],
    ['a line of another family', `${head}b 1\n`],
    ['a family without a type', '# HELP a x\na 1\n'],
    ['buckets that fall', histogram('h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 3\nh_count 1\n')],
    ['no last bucket', histogram('h_bucket{le="1"} 2\nh_sum 3\nh_count 2\n')],
  ])('refuses %s', (_what, text) => {
    expect(() => readExposition(text)).toThrow();
  });
});
