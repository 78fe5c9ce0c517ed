// Writes the table of error codes from the code that decides them. For docs/errors.md.
import { ERROR_CODES, type ErrorCode } from '../src/core/errors.ts';
import { ERROR_TEXTS, type ErrorText } from './error-texts.ts';

const INTRO = `# Errors

Every refusal has the shape of the dialect that was asked, \`{"error":{"message","type","param","code"}}\` for OpenAI's, and an
\`x-request-id\` that finds it in the log. Texts are fixed templates with values that the router knows: never a worker's
own words, a key or a prompt. Generated from \`src/core/errors.ts\` and \`scripts/error-texts.ts\` by \`npm run generate\`; do
not edit.

- **Waiting helps** where the table says so: the reply carries \`Retry-After\` in whole seconds from 1 to 55, taken from the
  state of the workers and spread by 20 % so that refused callers do not come back in step. It stops at 55 because some
  clients ignore or give up on longer hints.
- **Waiting is no use** for the caller's own mistakes: they carry \`x-should-retry: false\`.
- **429** means that a worker is up and busy, or that a limit is yours; **503** that nothing can serve; **502** and **504** say
  what the last of all targets did.
- A stream that fails after it began has sent its status already. It then ends with one \`data: {"error":…}\` event and
  without \`data: [DONE]\`; a reply that is not streamed is cut off short of its \`content-length\`.
- \`blame\` says whose fault it is: only a worker's own failures count against its health.
`;

export function errorsDocument(
  codes: Readonly<Record<ErrorCode, { status: number; type: string; blame: string; waits: boolean }>> = ERROR_CODES,
  texts: Readonly<Record<ErrorCode, ErrorText>> = ERROR_TEXTS,
): string {
  const rows = (Object.keys(codes) as ErrorCode[]).map((code) => {
    const { status, type, blame, waits } = codes[code];
    const { means, todo } = texts[code];
    return {
      status,
      line: `| ${status} | \`${code}\` | \`${type}\` | ${blame} | ${waits ? 'yes' : 'no'} | ${means} | ${todo} |`,
    };
  });
  rows.sort((a, b) => a.status - b.status);
  const head = [
    '| Status | Code | Type | Blame | Waiting helps | Means | What to do |',
    '|---|---|---|---|---|---|---|',
  ];
  return `${INTRO}\n${[...head, ...rows.map(({ line }) => line)].join('\n')}\n`;
}
