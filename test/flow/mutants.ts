// Gates with one fault each, to show that the properties of a fair gate see it. For the tests of those properties.
import type { Gate, GateCall, GateRefusal, Permit, Pick } from '../../src/core/gate.ts';
import { CallSignal } from '../../src/core/signal.ts';
import { FairGate, type GateOptions } from '../../src/flow/gate.ts';

type Answer = Permit | GateRefusal;

/** A fair gate whose calls and permits are changed on their way in and out. */
function around(gate: Gate, acquire: Gate['acquire']): Gate {
  return {
    acquire,
    forecastMs: (call) => gate.forecastMs(call),
    returnMs: (call, waitMs) => gate.returnMs(call, waitMs),
    poke: () => gate.poke(),
    close: () => gate.close(),
    lines: () => gate.lines(),
    get waiting() {
      return gate.waiting;
    },
    get inFlight() {
      return gate.inFlight;
    },
  };
}
function mapped(answer: Answer | Promise<Answer>, map: (answer: Answer) => Answer): Answer | Promise<Answer> {
  return answer instanceof Promise ? answer.then(map) : map(answer);
}
const withClose =
  (close: (permit: Permit, ...how: Parameters<Permit['close']>) => void) =>
  (answer: Answer): Answer =>
    'refused' in answer
      ? answer
      : {
          worker: answer.worker,
          waitedMs: answer.waitedMs,
          began: () => answer.began(),
          close: (...how) => close(answer, ...how),
        };

/** A permit closed twice gives its slot back twice. */
export function closesTwice(options: GateOptions): Gate {
  const gate = new FairGate(options);
  const twice = () => {
    const closed = new Set<Permit>();
    return withClose((permit, ...how) => {
      if (closed.has(permit)) {
        permit.worker.inFlight--;
        gate.poke();
      }
      closed.add(permit);
      permit.close(...how);
    });
  };
  return around(gate, (call, pick) => mapped(gate.acquire(call, pick), twice()));
}

/** What a call was taken for stands, whatever it really used. */
export function neverSettles(options: GateOptions): Gate {
  const gate = new FairGate(options);
  const blind = withClose((permit, outcome) => permit.close(outcome, null));
  return around(gate, (call, pick) => mapped(gate.acquire(call, pick), blind));
}

/** A call that is held stands in line as if all others were full, too. */
export function holdsUp(options: GateOptions): Gate {
  const gate = new FairGate(options);
  return around(gate, (call, pick) =>
    gate.acquire(call, (nowMs) => {
      const picked = pick(nowMs);
      call.hold = null;
      return picked;
    }),
  );
}

/** Age raises nobody: the gate believes that there is twice the time, and the call is called away at its true limit. */
export function neverRaises(options: GateOptions): Gate {
  const gate = new FairGate(options);
  return around(gate, (call, pick) => {
    const signal = new CallSignal();
    const answer = gate.acquire({ ...call, signal, maxWaitMs: 2 * call.maxWaitMs }, pick);
    if (!(answer instanceof Promise)) return answer;
    const timer = options.clock.after(call.maxWaitMs, () => signal.abort());
    return answer.then((later) => {
      timer.cancel();
      return 'refused' in later && later.refused === 'client_gone' ? { refused: 'waited', waitMs: null } : later;
    });
  });
}

/** First come, first served, whoever it is. */
export function firstCome({ clock }: GateOptions): Gate {
  const line: {
    readonly call: GateCall;
    readonly pick: Pick;
    readonly sinceMs: number;
    readonly tell: (answer: Answer) => void;
  }[] = [];
  const gate = {
    inFlight: 0,
    get waiting() {
      return line.length;
    },
    acquire(call: GateCall, pick: Pick): Answer | Promise<Answer> {
      const worker = line.length === 0 ? pick(clock.nowMs()) : 'full';
      if (worker === 'none') return { refused: 'none', waitMs: null };
      if (worker !== 'full') return grant(worker, 0);
      return new Promise((tell) => {
        const waiter = { call, pick, sinceMs: clock.nowMs(), tell };
        line.push(waiter);
        const timer = clock.after(call.maxWaitMs, () => {
          const at = line.indexOf(waiter);
          if (at >= 0) line.splice(at, 1)[0]!.tell({ refused: 'waited', waitMs: null });
        });
        call.signal.onAbort(() => timer.cancel());
      });
    },
    forecastMs: () => 0,
    returnMs: (_: GateCall, waitMs: number) => waitMs,
    poke() {
      for (let head = line[0]; head !== undefined; head = line[0]) {
        const worker = head.pick(clock.nowMs());
        if (worker === 'full') return;
        line.shift();
        head.tell(worker === 'none' ? { refused: 'none', waitMs: null } : grant(worker, clock.nowMs() - head.sinceMs));
      }
    },
    close() {
      for (const { tell } of line.splice(0)) tell({ refused: 'closed', waitMs: null });
    },
    lines: () => [],
  };
  function grant(worker: Exclude<ReturnType<Pick>, string>, waitedMs: number): Permit {
    let open = true;
    worker.inFlight++;
    gate.inFlight++;
    return {
      worker,
      waitedMs,
      began() {},
      close() {
        if (!open) return;
        open = false;
        worker.inFlight--;
        gate.inFlight--;
        gate.poke();
      },
    };
  }
  return gate;
}
