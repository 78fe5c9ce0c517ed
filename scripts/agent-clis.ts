// Installs Claude Code and Codex, about 750 MB, in a folder of their own and has each do headless turns through the router:
// a text, a tool, a target that is full at first. For maintainers; too large for CI.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Family, goodReply, scriptOf, TEXT } from '../test/clients/faulty-replies.ts';
import { json, startFaultUpstream } from '../test/fakes/fault-upstream.ts';
import { startTestRouter } from '../test/fakes/running-router.ts';
import { run } from './child.ts';
import { npmStart } from './npm-start.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** Claude Code's package for the platform, since the other one wants a script run at install. */
const CLAUDE = `@anthropic-ai/claude-code-${process.platform}-${process.arch}`;
const VERSIONS = { [CLAUDE]: '2.1.325', '@openai/codex': '0.169.0' };
const folder = mkdtempSync(join(tmpdir(), 'spillway-agents-'));
const machinePath = process.env['PATH'] ?? '';
let failed = 0;

/** What came of one run of an agent: all that it printed, whether it ended well or not. */
type Agent = (url: string, model: string, prompt: string) => Promise<string>;

async function install(): Promise<void> {
  copyFileSync(join(ROOT, '.npmrc'), join(folder, '.npmrc'));
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  const packages = Object.entries(VERSIONS).map(([name, version]) => `${name}@${version}`);
  await run('npm', ['install', ...packages], { cwd: folder, path: machinePath });
}

/** A home of its own for each run: nothing of this user's is read, nothing of one run is there in the next. */
function emptyHome(): { readonly home: string; readonly work: string } {
  const home = mkdtempSync(join(folder, 'home-'));
  const work = join(home, 'work');
  mkdirSync(work);
  return { home, work };
}

/** Only what is named here gets into the environment. */
function runAgent(command: string, args: readonly string[], env: Record<string, string>, work: string) {
  const names = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const whole = ['env', '-i', `PATH=${machinePath}`, ...names, 'timeout', '120', command, ...args];
  return run('bash', ['-c', 'exec "$@" 2>&1', 'agent', ...whole], { cwd: work, path: machinePath }).catch(
    (thrown: Error) => thrown.message,
  );
}

const claude: Agent = (url, model, prompt) => {
  const { home, work } = emptyHome();
  const env = {
    HOME: home,
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: 'local',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  };
  const args = ['-p', prompt, '--model', model, '--output-format', 'stream-json', '--verbose'];
  return runAgent(join(folder, 'node_modules', CLAUDE, 'claude'), args, env, work);
};

const codex: Agent = (url, model, prompt) => {
  const { home, work } = emptyHome();
  mkdirSync(join(home, '.codex'));
  writeFileSync(
    join(home, '.codex', 'config.toml'),
    `model = "${model}"
model_provider = "spillway"
check_for_update_on_startup = false

[analytics]
enabled = false

[model_providers.spillway]
name = "Spillway"
base_url = "${url}/v1"
env_key = "SPILLWAY_KEY"
wire_api = "responses"
supports_websockets = true
`,
  );
  const args = ['exec', '--skip-git-repo-check', '--json', prompt];
  return runAgent(join(folder, 'node_modules/.bin/codex'), args, { HOME: home, SPILLWAY_KEY: 'local' }, work);
};

function judge(what: string, text: string, good: (text: string) => boolean): void {
  const ok = good(text);
  if (!ok) failed++;
  console.log(ok ? `ok ${what}` : `FAILED ${what}:\n${text}`);
}

const DEMO = 'This is demo-large, a demo worker';

/** Against the router of `npm start`, on its default policy. */
async function turns(): Promise<void> {
  const router = await npmStart(['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0']);
  try {
    const { url } = router;
    judge('claude: a text', await claude(url, 'demo-large', 'Say hello.'), (text) => text.includes(DEMO));
    judge('claude: a tool and its result', await claude(url, 'demo-large', 'Use the Read tool.'), (text) =>
      /"tool_use".*"name":"Read"[\s\S]*"tool_result"[\s\S]*The tool Read returned/.test(text),
    );
    judge(
      'codex: a text, after its WebSocket was refused',
      await codex(url, 'demo-large', 'Say hello.'),
      (text) => /failed to connect to Responses WebSocket|turn.completed/.test(text) && text.includes(DEMO),
    );
    judge('codex: a tool and its result', await codex(url, 'demo-large', 'Call get_goal now.'), (text) =>
      /The tool get_goal returned/.test(text),
    );
  } finally {
    await router.stop();
  }
}

/** A target that is full at the first call of each model, and says not for how long. */
async function fullAtFirst(): Promise<void> {
  const target = await startFaultUpstream();
  const told = new Set<string>();
  target.behave(({ method, path, body }) => {
    if (method === 'GET') return [json(426, {})];
    const family: Family = path.includes('/messages') ? 'messages' : 'responses';
    const { model } = JSON.parse(body.toString()) as { model: string };
    if (told.has(model)) return goodReply(family, true);
    told.add(model);
    return scriptOf('429 without it', family);
  });
  const pool = (name: string) => ({
    serves: name,
    speaks: ['anthropic-messages', 'openai-responses'],
    capabilities: ['tools'],
    workers: [{ url: target.url }],
  });
  const names = ['for-claude', 'for-codex'];
  const policy = {
    version: 1,
    pools: Object.fromEntries(names.map((name) => [name, pool(name)])),
    models: Object.fromEntries(names.map((name) => [name, { class: 'chat', ladder: [{ pool: name }] }])),
  };
  const router = await startTestRouter({ policy: JSON.stringify(policy) });
  try {
    const url = `http://127.0.0.1:${router.port}`;
    judge('claude: a bare 429 is waited out', await claude(url, 'for-claude', 'Hi'), (text) => text.includes(TEXT));
    judge('codex: a bare 429 is waited out', await codex(url, 'for-codex', 'Hi'), (text) => text.includes(TEXT));
    judge('codex: without the router it ends the run', await codex(target.url, 'bare', 'Hi'), (text) =>
      /"turn\.failed"/.test(text),
    );
  } finally {
    await router.close();
    await target.close();
  }
}

try {
  await install();
  for (const [name, version] of Object.entries(VERSIONS)) console.log(`${name} ${version}`);
  await turns();
  await fullAtFirst();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;
