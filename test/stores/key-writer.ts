// A process that adds keys to the store of a folder and prints each id once it is kept. For tests of several processes.
import { SqliteKeys } from '../../src/stores/sqlite/keys.ts';
import { issued } from '../tenants/sample-keys.ts';

const [folder = '', count = '0'] = process.argv.slice(2);
const store = new SqliteKeys({ folder, busyMs: 10_000 });
for (let made = 0; made < Number(count); made++) {
  const { record } = await issued({ name: `${process.pid}` });
  store.add(record);
  process.stdout.write(`${record.id}\n`);
}
store.close();
