// Reads a policy from files and says everything that is wrong with it at once. For the entries and `spillway check`.
import { buildPolicy } from './build.ts';
import { compilePolicy } from './compile.ts';
import { type PolicyFiles, readDocuments, type Source } from './documents.ts';
import { urlWorker } from './endpoint.ts';
import { reportIssues, sentence } from './issues.ts';
import { ladderWarnings } from './ladders.ts';
import type { Policy } from './policy.ts';
import { checkPrices } from './price-check.ts';
import { createReporter, type Problem, sortProblems } from './problems.ts';
import { checkReferences } from './references.ts';
import type { Registries } from './registries.ts';
import { policySchema } from './schema.ts';
import { masked, resolveSecrets, type SecretSource, secretLikeTexts } from './secrets.ts';
import { firstRequiredKey, type Shape, shapeOf } from './shape.ts';
import { checkTenants } from './tenant-check.ts';

export interface LoadOptions {
  /** The first file; included ones lie in its folder or below. */
  readonly path: string;
  readonly files: PolicyFiles;
  readonly registries: Registries;
  readonly secrets: SecretSource;
  /** Today, Unix epoch in ms, for warnings of old prices and of tenants whose time is over. Default: none are given. */
  readonly wallMs?: number;
}

export type LoadResult =
  | {
      readonly ok: true;
      readonly policy: Policy;
      readonly warnings: readonly Problem[];
      /** What was read, the first file first; for the saved policy. Holds references, never secrets. */
      readonly sources: readonly Source[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Never rejects for what a file, an include or a secret holds. */
export async function loadPolicy(options: LoadOptions): Promise<LoadResult> {
  const { path, files, registries, secrets, wallMs = null } = options;
  const { schema, shape } = formOf(registries);
  const { value, marks, problems: readProblems, sources } = await readDocuments(path, files);
  const report = createReporter(marks, path);
  report.problems.push(...readProblems);
  const finish = (problems: readonly Problem[]): Problem[] => {
    const hidden = secretLikeTexts(value);
    const order = [path, ...sources.map((source) => source.path)];
    return sortProblems(problems, order).map((problem) => ({ ...problem, message: masked(problem.message, hidden) }));
  };
  if (value === undefined) return { ok: false, problems: finish(report.problems) };

  const parsed = schema.safeParse(value, { error: sentence });
  if (!parsed.success) reportIssues(parsed.error.issues, value, shape(), report);
  checkReferences(value, report);
  const resolved = await resolveSecrets(value, secrets, report);
  if (!parsed.success || report.problems.length > 0) return { ok: false, problems: finish(report.problems) };

  const policy = buildPolicy(parsed.data, value, registries, resolved, report);
  if (report.problems.length > 0) return { ok: false, problems: finish(report.problems) };
  const { models } = compilePolicy(policy);
  checkTenants(policy, parsed.data.tenants, models, wallMs, report);
  checkPrices(policy, parsed.data, models, Object.keys(registries.providers), wallMs, report);
  if (report.problems.length > 0) return { ok: false, problems: finish(report.problems) };
  ladderWarnings(policy, report);
  return { ok: true, policy, warnings: finish(report.warnings), sources };
}

interface Form {
  readonly schema: ReturnType<typeof policySchema>;
  /** For messages alone, and as dear as the schema itself: made for the first file with a fault. */
  readonly shape: () => Shape;
}

/** Building the schema costs more than a load; registries never change once made. */
const forms = new WeakMap<Registries, Form>();

function formOf(registries: Registries): Form {
  let form = forms.get(registries);
  if (form === undefined) {
    const schema = policySchema(registries);
    let shape: Shape | undefined;
    form = { schema, shape: () => (shape ??= shapeOf(schema)) };
    assertTellingKeys(registries);
    forms.set(registries, form);
  }
  return form;
}

/** A plug-in whose options do not require its own name could never be chosen: a fault of the build, not of the file. */
function assertTellingKeys({ workers }: Registries): void {
  const keys = [urlWorker(), ...Object.values(workers).map(({ options }) => options)].map(firstRequiredKey);
  for (const name of Object.keys(workers)) {
    if (keys.filter((key) => key === name).length !== 1) {
      throw new TypeError(
        `Worker plug-in ${name}: its options must be a strict object whose first required key is "${name}"`,
      );
    }
  }
}
