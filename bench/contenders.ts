// Who is measured and how each is started. For run.ts; a new proxy is one entry here.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PORTKEY_START, portkeyInstalled } from './portkey/peer.ts';
import { builtCommand, spillwayBuilt, spillwayCommand, spillwayServes } from './spillway.ts';

export interface Command {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Contender {
  readonly name: string;
  /** Null: the client goes straight to the upstream. */
  readonly command: ((port: number, upstreamPort: number) => Command) | null;
  readonly headers: (upstreamPort: number) => Readonly<Record<string, string>>;
  readonly available: () => boolean;
  /** Takes part when nobody is named. */
  readonly byDefault: boolean;
  /** Measures replies only, or streams only. */
  readonly only: 'replies' | 'streams' | null;
}

function reference(name: string, file: string, more: readonly string[], only: Contender['only']): Contender {
  const path = fileURLToPath(new URL(`proxies/${file}`, import.meta.url));
  return {
    name,
    command: (port, upstreamPort) => ({ args: [path, String(port), String(upstreamPort), ...more] }),
    headers: () => ({}),
    available: () => existsSync(path),
    byDefault: true,
    only,
  };
}

export const CONTENDERS: readonly Contender[] = [
  { name: 'direct', command: null, headers: () => ({}), available: () => true, byDefault: true, only: null },
  reference('bare', 'bare.ts', [], null),
  reference('hono-raw', 'hono-raw.ts', [], null),
  reference('hono-response', 'hono-response.ts', [], 'replies'),
  reference('hono-response-stream', 'hono-response.ts', ['stream'], null),
  {
    name: 'spillway',
    command: spillwayCommand,
    headers: () => ({}),
    available: spillwayServes,
    byDefault: true,
    only: null,
  },
  {
    name: 'spillway-package',
    command: builtCommand,
    headers: () => ({}),
    available: spillwayBuilt,
    byDefault: true,
    only: null,
  },
  {
    name: 'portkey',
    command: (port) => ({ args: [PORTKEY_START, `--port=${port}`, '--headless'] }),
    headers: (upstreamPort) => ({
      'x-portkey-provider': 'openai',
      'x-portkey-custom-host': `http://127.0.0.1:${upstreamPort}/v1`,
    }),
    available: portkeyInstalled,
    byDefault: false,
    // On Node 24 its 1.15 answers 500 to every streamed call: it appends to a fetch reply's immutable headers.
    only: 'replies',
  },
];
