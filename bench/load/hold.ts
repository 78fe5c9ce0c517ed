// Streams that are opened and then left idle, and the first answer of a young process. For load/main.ts.
import { workload } from '../workload.ts';
import { type Connection, openConnection } from './connection.ts';
import type { Address, FirstAnswerJob, HoldJob } from './jobs.ts';
import { requestBytes } from './request-bytes.ts';

const RETRY_MS = 2;
const POLL_MS = 5;
/** Streams are opened in groups of this size, so that no listen queue overflows. */
const GROUP = 50;
const GROUP_DEADLINE_MS = 15_000;

const pauseMs = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function once(address: Address): Promise<string | null> {
  const work = workload('small');
  return new Promise((resolve) => {
    const connection = openConnection(address.port, requestBytes(address, work.requestBody), work.reply, {
      frames: () => {},
      broken: resolve,
      reply: () => {
        connection.close();
        resolve(null);
        return false;
      },
    });
  });
}

/** Epoch ms of the first whole and correct answer. */
export async function firstAnswer(job: FirstAnswerJob): Promise<number> {
  const endMs = performance.now() + job.deadlineMs;
  for (;;) {
    const trouble = await once(job.address);
    if (trouble === null) return performance.timeOrigin + performance.now();
    if (performance.now() > endMs) throw new Error(`no answer after ${job.deadlineMs} ms: ${trouble}`);
    await pauseMs(RETRY_MS);
  }
}

/** Resolves when each stream has had its first event; answers with what closes them. */
export async function hold(job: HoldJob): Promise<() => void> {
  const work = workload('idle');
  const request = requestBytes(job.address, work.requestBody);
  const connections: Connection[] = [];
  let trouble: string | null = null;
  const events = {
    frames: () => {},
    reply: () => false,
    broken: (reason: string) => {
      trouble = reason;
    },
  };
  const close = () => {
    for (const connection of connections) connection.close();
  };
  const here = () => connections.every((connection) => connection.bodyBytes === work.reply.length);
  while (connections.length < job.streams) {
    const size = Math.min(GROUP, job.streams - connections.length);
    for (let index = 0; index < size; index++)
      connections.push(openConnection(job.address.port, request, work.reply, events));
    const endMs = performance.now() + GROUP_DEADLINE_MS;
    while (trouble === null && !here() && performance.now() < endMs) await pauseMs(POLL_MS);
    if (trouble !== null || !here()) {
      close();
      throw new Error(trouble ?? `streams without a first event after ${connections.length} were opened`);
    }
  }
  return close;
}
