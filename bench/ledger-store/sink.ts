// The other end of a way: takes what comes, and says what has come when it is asked. For bench/ledger-store.
import { parentPort } from 'node:worker_threads';

let messages = 0;
parentPort!.on('message', (message: unknown) => {
  messages++;
  if (message === 'told') parentPort!.postMessage(messages);
});
