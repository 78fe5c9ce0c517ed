// Which tools an answer calls. For src/demo/tool-calls.ts.
import { describe, expect, it } from 'vitest';
import { decideToolCalls, type ToolQuestion, toolsNamedIn, toolsOf, toolWishOf } from '../../src/demo/tool-calls.ts';

const tools = toolsOf({
  tools: ['read', 'read_file', 'search-web'].map((name) => ({ type: 'function', function: { name } })),
});
const names = (question: Partial<ToolQuestion>) =>
  decideToolCalls({
    tools,
    wish: { kind: 'auto' },
    lastUserText: '',
    answered: false,
    parallel: true,
    newId: () => 'id',
    ...question,
  }).map((call) => call.name);

describe('tool calls', () => {
  it('are made for tools that the text names as whole words, in its order', () => {
    expect(toolsNamedIn('use search-web, then read_file', tools).map(({ name }) => name)).toEqual([
      'search-web',
      'read_file',
    ]);
    expect(names({ lastUserText: 'please readable things' })).toEqual([]);
    expect(names({ lastUserText: 'please read (it)' })).toEqual(['read']);
  });

  it('are one when the caller forbids parallel ones', () => {
    expect(names({ lastUserText: 'read and read_file', parallel: false })).toEqual(['read']);
  });

  it('end after a tool result unless the caller insists', () => {
    expect(names({ lastUserText: 'read it', answered: true })).toEqual([]);
    expect(names({ lastUserText: 'read it', answered: true, wish: { kind: 'required' } })).toEqual(['read']);
  });

  it('take the first tool when one is required and none is named', () => {
    expect(names({ lastUserText: 'hello', wish: { kind: 'required' } })).toEqual(['read']);
    expect(names({ lastUserText: 'read', wish: { kind: 'named', name: 'read_file' } })).toEqual(['read_file']);
    expect(names({ lastUserText: 'read', wish: { kind: 'none' } })).toEqual([]);
  });

  it.each([
    [{ tool_choice: 'auto' }, []],
    [{ tool_choice: { type: 'function', function: { name: 'other' } } }, tools],
    [{ tool_choice: 'sometimes' }, tools],
  ])('refuse %j', (body, given) => {
    expect(() => toolWishOf(body, given)).toThrow(expect.objectContaining({ status: 400, param: 'tool_choice' }));
  });
});
