// Which JSON value satisfies a schema, without any model. For tool arguments and response_format.

type Schema = Record<string, unknown>;

const DEEPEST = 12;

const isObject = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const FORMATS: Record<string, string> = {
  date: '2026-01-31',
  'date-time': '2026-01-31T12:00:00Z',
  time: '12:00:00Z',
  duration: 'PT1H',
  email: 'demo@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/demo',
  uuid: '00000000-0000-4000-8000-000000000000',
};

function resolve(root: unknown, ref: string): unknown {
  let at: unknown = root;
  for (const step of ref.replace(/^#\/?/, '').split('/')) {
    if (step === '') continue;
    if (!isObject(at)) return {};
    at = at[step.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return at ?? {};
}

function merged(schemas: unknown[], root: unknown): Schema {
  const out: Schema = {};
  for (const entry of schemas) {
    const part = isObject(entry) && typeof entry['$ref'] === 'string' ? resolve(root, entry['$ref']) : entry;
    if (!isObject(part)) continue;
    const properties = isObject(out['properties']) ? out['properties'] : {};
    const required = Array.isArray(out['required']) ? out['required'] : [];
    Object.assign(out, part);
    if (isObject(part['properties'])) out['properties'] = { ...properties, ...part['properties'] };
    if (Array.isArray(part['required'])) out['required'] = [...required, ...part['required']];
  }
  return out;
}

function typeOf(schema: Schema): unknown {
  const { type } = schema;
  if (Array.isArray(type)) return type.find((one) => one !== 'null') ?? 'null';
  if (type !== undefined) return type;
  if (isObject(schema['properties'])) return 'object';
  if ('items' in schema) return 'array';
  return 'minimum' in schema || 'maximum' in schema ? 'number' : 'string';
}

const numberAt = (schema: Schema, key: string) =>
  typeof schema[key] === 'number' ? (schema[key] as number) : undefined;

function sampleNumber(schema: Schema, whole: boolean): number {
  const over = numberAt(schema, 'exclusiveMinimum');
  const under = numberAt(schema, 'exclusiveMaximum');
  const least = numberAt(schema, 'minimum') ?? (over !== undefined ? over + (whole ? 1 : 0.5) : undefined);
  const most = numberAt(schema, 'maximum') ?? (under !== undefined ? under - (whole ? 1 : 0.5) : undefined);
  let value = least ?? Math.min(1, most ?? 1);
  const step = numberAt(schema, 'multipleOf');
  if (step !== undefined && step > 0) value = Math.ceil(value / step) * step;
  if (most !== undefined && value > most && step === undefined) value = least !== undefined ? (least + most) / 2 : most;
  return whole ? Math.ceil(value) : value;
}

function sampleString(schema: Schema, name: string): string {
  const known = typeof schema['format'] === 'string' ? FORMATS[schema['format']] : undefined;
  let text = known ?? (name === '' ? 'demo' : `demo ${name}`);
  const least = numberAt(schema, 'minLength') ?? 0;
  if (text.length < least) text = text.padEnd(least, '.');
  const most = numberAt(schema, 'maxLength');
  return most === undefined ? text : text.slice(0, most);
}

function sampleObject(schema: Schema, root: unknown, depth: number): Schema {
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const required: unknown[] = Array.isArray(schema['required']) ? schema['required'] : Object.keys(properties);
  const out: Schema = {};
  for (const key of required) {
    if (typeof key === 'string') out[key] = sample(properties[key] ?? {}, root, key, depth + 1);
  }
  return out;
}

function sampleArray(schema: Schema, root: unknown, name: string, depth: number): unknown[] {
  const prefix: unknown[] = Array.isArray(schema['prefixItems']) ? schema['prefixItems'] : [];
  const most = numberAt(schema, 'maxItems') ?? Number.POSITIVE_INFINITY;
  const least = numberAt(schema, 'minItems') ?? (depth >= DEEPEST - 2 ? 0 : 1);
  const length = Math.min(64, most, Math.max(least, prefix.length));
  return Array.from({ length }, (_, i) => sample(prefix[i] ?? schema['items'] ?? {}, root, name, depth + 1));
}

/** A value that satisfies the common part of JSON Schema; `pattern` and `not` are not read. */
export function sample(given: unknown, root: unknown = given, name = '', depth = 0): unknown {
  if (!isObject(given) || depth > DEEPEST) return null;
  let schema = given;
  if (typeof schema['$ref'] === 'string') return sample(resolve(root, schema['$ref']), root, name, depth + 1);
  if (Array.isArray(schema['allOf'])) schema = merged([{ ...schema, allOf: undefined }, ...schema['allOf']], root);
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return schema['enum'][0] ?? null;
  if ('default' in schema) return schema['default'];
  const choices = Array.isArray(schema['anyOf']) ? schema['anyOf'] : schema['oneOf'];
  if (Array.isArray(choices)) {
    const preferred = choices.find((choice) => isObject(choice) && choice['type'] !== 'null') ?? choices[0];
    return sample(merged([{ ...schema, anyOf: undefined, oneOf: undefined }, preferred], root), root, name, depth + 1);
  }
  switch (typeOf(schema)) {
    case 'object':
      return sampleObject(schema, root, depth);
    case 'array':
      return sampleArray(schema, root, name, depth);
    case 'integer':
      return sampleNumber(schema, true);
    case 'number':
      return sampleNumber(schema, false);
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return sampleString(schema, name);
  }
}
