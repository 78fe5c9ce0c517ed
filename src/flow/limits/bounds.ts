// What all limits that learn are given: where they begin and between what they stay. For the limits in this folder.
import { z } from 'zod';

export const bounds = {
  initial: z.int().min(1).max(100_000).default(64).describe('Calls in flight before anything is learned.'),
  min: z.int().min(1).max(100_000).default(1).describe('Calls in flight that are always allowed.'),
  max: z.int().min(1).max(100_000).default(1_000).describe('Calls in flight that are never exceeded.'),
};

export interface Bounds {
  readonly initial: number;
  readonly min: number;
  readonly max: number;
}

/** A minimum above the maximum wins: an operator who wants that many calls through must not be held below them. */
export function within({ min, max }: Bounds, value: number): number {
  return Math.max(min, Math.min(max, value));
}

/** The middle value; sorts in place. */
export function median(values: number[]): number {
  values.sort((a, b) => a - b);
  return values[values.length >> 1] ?? 0;
}
