// How a kind of managed API is written down: a name and what holds of it. For the kinds in this folder.
import { z } from 'zod';
import type { ProviderDoor, ProviderPlugin } from '../core/provider.ts';

const noOptions = z.strictObject({});

export function kind(name: string, door: ProviderDoor): ProviderPlugin {
  return { name, options: noOptions, create: () => door };
}
