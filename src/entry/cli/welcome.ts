// What a person sees when the router is up: what is served, three requests to paste, one line per kind of client. For serve.
import type { RunningRouter } from '../node.ts';

export function welcome(running: RunningRouter, policyPath: string): string {
  const { listen, admin, basePath, router } = running;
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  const root = `http://${host}:${listen.port}${basePath === '/' ? '' : basePath}`;
  const models = router.models(null);
  const chat = models.find((model) => model.class === 'chat')?.id;
  const embed = models.find((model) => model.class === 'embed')?.id;
  const lines = [
    '',
    `Spillway listens on ${root}`,
    `  policy  ${policyPath}`,
    `  models  ${models.map((model) => `${model.id} (${model.class})`).join(', ') || 'none'}`,
    `  admin   http://${admin.host.includes(':') ? `[${admin.host}]` : admin.host}:${admin.port}/status`,
    '',
    'Try it:',
    `  curl ${root}/v1/models`,
  ];
  if (chat !== undefined)
    lines.push(`  ${post(root, 'chat/completions', { model: chat, messages: [{ role: 'user', content: 'Hello' }] })}`);
  if (embed !== undefined) lines.push(`  ${post(root, 'embeddings', { model: embed, input: 'Hello' })}`);
  lines.push(
    '',
    'Point a client at it (any key will do on this machine):',
    `  OpenAI SDKs, LangChain, AI SDK    base URL ${root}/v1`,
    `  tools that read the environment   OPENAI_BASE_URL=${root}/v1 OPENAI_API_KEY=local`,
    '',
    'Docs: docs/getting-started.md. Stop with Ctrl+C.',
    '',
  );
  return `${lines.join('\n')}\n`;
}

function post(root: string, route: string, body: unknown): string {
  return `curl ${root}/v1/${route} -H 'content-type: application/json' -d '${JSON.stringify(body)}'`;
}
