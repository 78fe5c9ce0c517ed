// Statements of one connection, compiled once, whole numbers read as bigint. For the SQLite stores.
import type {
  DatabaseSync,
  SQLInputValue,
  SQLOutputValue,
  StatementResultingChanges,
  StatementSync,
} from 'node:sqlite';

export type Row = Readonly<Record<string, SQLOutputValue>>;

/** Texts are constants of the code, so their number is bounded; values are always bound. */
export class Statements {
  readonly #db: DatabaseSync;
  readonly #compiled = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  run(text: string, ...values: SQLInputValue[]): StatementResultingChanges {
    return this.#of(text).run(...values);
  }

  one(text: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#of(text).get(...values);
  }

  all(text: string, ...values: SQLInputValue[]): readonly Row[] {
    return this.#of(text).all(...values);
  }

  #of(text: string): StatementSync {
    const known = this.#compiled.get(text);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(text);
    statement.setReadBigInts(true);
    this.#compiled.set(text, statement);
    return statement;
  }
}
