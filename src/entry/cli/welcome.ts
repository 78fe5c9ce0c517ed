// What a person sees when the router is up: what is served, three requests to paste, one line per kind of client. For serve.
import type { Address } from '../../core/units.ts';
import type { RunningRouter } from '../node.ts';

export function welcome(running: RunningRouter, policyPath: string): string {
  const { listen, admin, secure, basePath, router, development } = running;
  const root = `${originOf(listen, secure.listen)}${basePath === '/' ? '' : basePath}`;
  const models = router.models(null);
  const named = (routeClass: string) =>
    models.find(({ id, class: one }) => one === routeClass && !id.includes('*'))?.id;
  const chat = named('chat');
  const embed = named('embed');
  const key = development ? '' : ' -H "authorization: Bearer $SPILLWAY_KEY"';
  const post = (route: string, body: unknown) =>
    `  curl ${root}/v1/${route}${key} -H 'content-type: application/json' -d '${JSON.stringify(body)}'`;
  const lines = [
    '',
    `Spillway listens on ${root}`,
    `  policy  ${policyPath}`,
    `  models  ${models.map((model) => `${model.id} (${model.class})`).join(', ') || 'none'}`,
    `  admin   ${originOf(admin, secure.admin)}/status`,
    `  keys    ${development ? 'none yet: whoever is on this machine may call; the first "spillway keys create" ends that' : 'every call needs one; "spillway keys create" makes them'}`,
    '',
    development ? 'Try it:' : 'Try it, with a key in SPILLWAY_KEY:',
    `  curl ${root}/v1/models${key}`,
  ];
  if (chat !== undefined)
    lines.push(post('chat/completions', { model: chat, messages: [{ role: 'user', content: 'Hello' }] }));
  if (embed !== undefined) lines.push(post('embeddings', { model: embed, input: 'Hello' }));
  lines.push(
    '',
    `Point a client at it (${development ? 'any key will do on this machine' : 'with a key that it was given'}):`,
    `  OpenAI SDKs, LangChain, AI SDK    base URL ${root}/v1`,
    `  Anthropic SDKs, Claude Code       base URL ${root}`,
    `  tools that read the environment   OPENAI_BASE_URL=${root}/v1 OPENAI_API_KEY=${development ? 'local' : '$SPILLWAY_KEY'}`,
    '',
    'Docs: docs/getting-started.md. Stop with Ctrl+C.',
    '',
  );
  return `${lines.join('\n')}\n`;
}

function originOf({ host, port }: Address, secure: boolean): string {
  return `${secure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
