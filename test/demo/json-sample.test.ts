// Sampled JSON satisfies the schema it is sampled from. For src/demo/json-sample.ts.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sample } from '../../src/demo/json-sample.ts';

const node: z.ZodType = z.object({ value: z.int(), next: z.lazy(() => node).nullable() });

const TABLE: Record<string, z.ZodType> = {
  'a flat object': z.object({ city: z.string(), days: z.int(), metric: z.boolean(), share: z.number() }),
  'nested objects': z.object({ user: z.object({ name: z.string(), address: z.object({ street: z.string() }) }) }),
  arrays: z.object({ tags: z.array(z.string()).min(3), pairs: z.array(z.object({ k: z.string(), v: z.number() })) }),
  tuples: z.tuple([z.string(), z.number(), z.boolean()]),
  'enums and constants': z.object({ unit: z.enum(['celsius', 'fahrenheit']), version: z.literal(2) }),
  unions: z.object({
    id: z.union([z.int(), z.string()]),
    kind: z.discriminatedUnion('t', [z.object({ t: z.literal('a'), n: z.number() })]),
  }),
  'nullable and optional': z.object({ a: z.string().nullable(), b: z.string().optional() }),
  'bounded numbers': z.object({
    a: z.int().min(5).max(9),
    b: z.number().gt(1).lt(2),
    c: z.number().negative(),
    d: z.int().multipleOf(7).min(8),
  }),
  'bounded strings': z.object({ long: z.string().min(40), short: z.string().max(3) }),
  formats: z.object({ at: z.iso.datetime(), on: z.iso.date(), mail: z.email(), link: z.url(), id: z.uuid() }),
  intersections: z.intersection(z.object({ a: z.string() }), z.object({ b: z.number() })),
};

describe('sampled JSON', () => {
  it.each(Object.entries(TABLE))('satisfies %s', (_name, schema) => {
    const value = sample(z.toJSONSchema(schema));
    expect(schema.safeParse(value).error).toBeUndefined();
  });

  it('follows references and ends on recursive ones', () => {
    const schema = {
      $ref: '#/$defs/node',
      $defs: {
        node: {
          type: 'object',
          properties: { value: { type: 'integer' }, next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } },
          required: ['value', 'next'],
        },
      },
    };
    expect(node.safeParse(sample(schema)).error).toBeUndefined();
  });

  it('prefers required properties and leaves optional ones out', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } }, required: ['b'] };
    expect(sample(schema)).toEqual({ b: 'demo b' });
  });

  it('takes the default where the schema names one', () => {
    expect(sample({ type: 'string', default: 'given' })).toBe('given');
  });
});
