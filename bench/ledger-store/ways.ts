// Ways of handing records to another thread, of which the ledger takes the cheapest. For bench/ledger-store.
import type { CallRecord } from '../../src/core/ledger.ts';
import { CallPacker } from '../../src/stores/sqlite/ledger-codec.ts';

export type Post = (message: unknown, transfer?: readonly ArrayBuffer[]) => void;

export interface Way {
  readonly name: string;
  /** Takes one record; hands over what it has once that is `group` records. */
  readonly begin: (post: Post, group: number) => (record: CallRecord) => void;
}

/** Keeps what `pack` makes of each record until the group is whole. */
const gathered =
  <T>(pack: (record: CallRecord) => T, whole: (group: T[]) => unknown): Way['begin'] =>
  (post, size) => {
    let group: T[] = [];
    return (record) => {
      group.push(pack(record));
      if (group.length < size) return;
      post(whole(group));
      group = [];
    };
  };

const same = <T>(value: T): T => value;

function flat(record: CallRecord): (string | number | boolean | null)[] {
  const { usage, attempts, ...rest } = record;
  const values = Object.values(rest);
  const uses = (of: CallRecord['usage']) => (of === null ? [null, null, null, null] : Object.values(of));
  for (const attempt of attempts) {
    const { usage: used, ...more } = attempt;
    values.push(...Object.values(more), ...uses(used));
  }
  return [...values, ...uses(usage)];
}

export const WAYS: readonly Way[] = [
  { name: 'objects, one message a record (structured clone)', begin: (post) => (record) => post(record) },
  { name: 'objects, one message a group (structured clone)', begin: gathered(same, same) },
  { name: 'flat arrays of values, one message a group', begin: gathered(flat, same) },
  {
    name: 'JSON text, made at once, one message a group',
    begin: gathered(JSON.stringify, (group) => group.join('\n')),
  },
  { name: 'JSON text of the whole group', begin: gathered(same, JSON.stringify) },
  {
    name: 'numbers in a transferred block, known texts by number (what the ledger does)',
    begin: (post, size) => {
      const packer = new CallPacker();
      return (record) => {
        packer.add(record);
        if (packer.count < size) return;
        const batch = packer.take();
        post(batch, [batch.numbers.buffer]);
      };
    },
  },
];
