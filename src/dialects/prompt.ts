// What a call's prompt tells before anybody parses it: how long it is, whether it answers a tool, what tells it from others.
// For the generating dialects.
import type { PromptMarks, PromptPrint } from '../core/dialect.ts';
import { fieldOf } from '../wire/json-view.ts';
import { marksOf } from '../wire/marks.ts';
import type { ScannedObject } from '../wire/scan.ts';
import { promptTokens } from './prompt-tokens.ts';

/** Where a dialect keeps the parts of a prompt. */
export interface PromptForm {
  /** Top-level keys whose values the model reads. */
  readonly read: readonly string[];
  /** Of them, the one that grows from call to call. */
  readonly grows: string;
  /** Whether the newest part of the conversation is a tool's answer. */
  answersTool(scan: ScannedObject): boolean;
  /** Null: there is nothing that prompts could share. */
  print(scan: ScannedObject): PromptPrint | null;
}

/** Each answer is made when it is first asked for. */
export class Prompt {
  readonly #scan: ScannedObject;
  readonly #form: PromptForm;
  #inputTokens = -1;
  #answersTool: boolean | null = null;
  #print: PromptPrint | null | undefined;
  #marks: PromptMarks | null | undefined;

  constructor(scan: ScannedObject, form: PromptForm) {
    this.#scan = scan;
    this.#form = form;
  }

  get inputTokens(): number {
    if (this.#inputTokens < 0) this.#inputTokens = promptTokens(this.#scan, this.#form.read);
    return this.#inputTokens;
  }

  get answersTool(): boolean {
    this.#answersTool ??= this.#form.answersTool(this.#scan);
    return this.#answersTool;
  }

  print(): PromptPrint | null {
    if (this.#print === undefined) this.#print = this.#form.print(this.#scan);
    return this.#print;
  }

  marks(): PromptMarks | null {
    if (this.#marks === undefined) {
      const field = fieldOf(this.#scan, this.#form.grows);
      this.#marks = field === undefined ? null : marksOf(this.#scan.bytes, field.start, field.end);
    }
    return this.#marks;
  }
}
