// The plug-ins of this release, all but the kinds of worker, which each entry brings its own. For entries, library users and tests.
import { engines } from './fleet/engines/index.ts';
import { limits } from './flow/limits/index.ts';
import { providers } from './providers/index.ts';
import type { RouterRegistries } from './router/create.ts';
import { filters } from './scheduling/filters/index.ts';
import { pickers } from './scheduling/pickers/index.ts';
import { profiles } from './scheduling/profiles.ts';
import { scorers } from './scheduling/scorers/index.ts';

export function registriesWith(workers: RouterRegistries['workers']): RouterRegistries {
  return { workers, engines, providers, limits, filters, scorers, pickers, profiles } as unknown as RouterRegistries;
}
