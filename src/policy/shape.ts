// The schema seen as JSON Schema: which keys are valid at a place. For messages, editors and the reference.
import { type ZodType, z } from 'zod';
import type { Path } from './problems.ts';

/** The part of JSON Schema that the policy schema uses. */
export interface Shape {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Shape;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
}

export function shapeOf(schema: ZodType): Shape {
  return z.toJSONSchema(schema, { io: 'input' }) as Shape;
}

/** As `tellingKey`, of a schema of which no shape has been made. Null where it is no mapping or requires nothing. */
export function firstRequiredKey(schema: ZodType): string | null {
  const fields = schema instanceof z.ZodObject ? Object.entries(schema.shape as Record<string, ZodType>) : [];
  return fields.find(([, field]) => !field.safeParse(undefined).success)?.[0] ?? null;
}

/** The key that tells one alternative of a union from the others: the first that it requires. */
export function tellingKey(shape: Shape): string | null {
  return shape.required?.[0] ?? null;
}

/** The places of the alternatives that a value claims to be, by their telling keys. */
export function claimedBranches(alternatives: readonly Shape[], value: unknown): number[] {
  if (typeof value !== 'object' || value === null) return [];
  return alternatives.flatMap((shape, index) => {
    const key = tellingKey(shape);
    return key !== null && Object.hasOwn(value, key) ? [index] : [];
  });
}

export function isMapping(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The one alternative that is a mapping, if there is one and it does not tell kinds apart. */
export function onlyMapping(alternatives: readonly Shape[]): Shape | null {
  const [only, other] = alternatives.filter(({ properties }) => properties !== undefined);
  return only !== undefined && other === undefined && only.properties!['kind'] === undefined ? only : null;
}

/** The shape at a path, following the value where there are alternatives. */
export function shapeAt(root: Shape, value: unknown, path: Path): Shape | null {
  let shape: Shape | null = settle(root, value);
  for (const part of path) {
    if (shape === null) return null;
    value = typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[part] : undefined;
    const next: Shape | undefined =
      typeof part === 'number'
        ? shape.items
        : (shape.properties?.[part] ??
          (typeof shape.additionalProperties === 'object' ? shape.additionalProperties : undefined));
    shape = next === undefined ? null : settle(next, value);
  }
  return shape;
}

function settle(shape: Shape, value: unknown): Shape {
  if (shape.anyOf === undefined) return shape;
  const [branch] = claimedBranches(shape.anyOf, value);
  if (branch !== undefined) return shape.anyOf[branch]!;
  return (isMapping(value) ? onlyMapping(shape.anyOf) : null) ?? shape;
}

export function valueAt(value: unknown, path: Path): unknown {
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}
