// The faults and attacks that the router is to survive, and which of them wait for something. For docs/faults.md.

export interface FaultRow {
  readonly id: string;
  readonly fault: string;
  readonly expected: string;
  /** `later`: needs a capability that does not exist yet. `rest`: what the tests leave unproven. `waived`: why it is not done. */
  readonly note: { readonly kind: 'later' | 'rest' | 'waived'; readonly text: string } | null;
}

export interface FaultSection {
  readonly title: string;
  readonly rows: readonly FaultRow[];
}

const NOTE = /^(later|rest|waived): (.+)$/;

/** Lines of `id | fault | expected | note`, the note being optional. Throws on any other line. */
export function readRows(text: string): readonly FaultRow[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const [id, fault, expected, note, more] = line.split('|').map((cell) => cell.trim());
    const kind = NOTE.exec(note ?? '');
    const wrongNote = note !== undefined && kind === null;
    if (!/^F\d{3}$/.test(id ?? '') || !fault || !expected || wrongNote || more !== undefined) {
      throw new Error(`Not a fault row: ${line}`);
    }
    return {
      id: id!,
      fault,
      expected,
      note: kind === null ? null : { kind: kind[1] as 'later' | 'rest' | 'waived', text: kind[2]! },
    };
  });
}

const section = (title: string, text: string): FaultSection => ({ title, rows: readRows(text) });

export const FAULT_SECTIONS: readonly FaultSection[] = [
  section(
    'HTTP edge',
    `
F001 | two framings at once, odd or doubled Content-Length, unknown Transfer-Encoding | 400 and close; no handler runs, nothing reaches a worker
F002 | bare line feeds, folded headers, space before the colon, NUL | 400 and close
F003 | more than 16 KiB or 100 headers | 431 and close
F004 | huge chunk extensions; bodies cut into single bytes | refused once framing outweighs payload; the loop stays free
F005 | thousands of sockets that send a head byte by byte | closed after 10 s; other callers notice little
F006 | a body that stalls or trickles | 408 after 30 s of silence or below 1 KiB/s; nothing stays held
F007 | bad, empty or doubled Host; absolute-form target | 400, whichever route
F008 | other spellings of a path: dots, double slashes, encodings | the canonical route or 404; never the admin routes
F009 | CONNECT, TRACE, upgrades, unknown expectations | 405, 400 or 417 and close; nothing is tunnelled
F010 | forged forwarding headers and x-spillway-* names | nothing of the caller's head reaches a worker; an unknown wish is a 400 that lists the valid ones
F011 | control characters in fields that are echoed | refused or encoded; none ever stands in a header
F012 | more connections than allowed; a thousand pipelined requests | bounded; pipelined requests are answered in order or closed
F013 | a caller who half-closes or vanishes | the attempt ends and its slot is free
`,
  ),
  section(
    'Payload',
    `
F014 | broken JSON, byte order mark, bad UTF-8, trailing data, no body | 400 in the API's shape
F015 | wrong or missing content type | 415 in the API's shape
F016 | a body beyond the limit, announced or not | 413 before any work; memory stays bounded
F017 | nesting beyond 64 | 400 from the scan, in less than 50 ms
F018 | more than 200,000 JSON tokens | 400 from the scan
F019 | keys that poison prototypes; one key twice | 400 where the router reads the key; prototypes stay as they are
F020 | compressed request bodies | 415: none are taken
F021 | a million messages or tools | refused by the bound on tokens or bytes
F022 | thousands of embedding inputs, documents or pictures | 400 with the limit in its text | rest: pictures are bounded by the body's size and tokens alone
F023 | input that makes patterns backtrack | linear time
F024 | hostile multipart | – refused | later: files
F025 | batch files as bombs | the batch fails with its lines' errors; memory stays flat | later: batch
F026 | URLs in a request | never fetched by the router; bytes go on as they are
F027 | caller's text that looks like an event | stays inside one event
`,
  ),
  section(
    'Keys, tenants, leaks',
    `
F028 | no key, a malformed or huge one | 401 without a look into a store, 431 beyond the bound on heads
F029 | keys in several places, or two different ones | both headers have equal rights, a query none; a conflict is a 400
F030 | unknown, revoked, expired or malformed keys | one and the same answer for all, in the same time where a key is well formed
F031 | SQL, NoSQL or script text as a value | data, nothing else
F032 | thousands of bad keys a second | no call of a store; good calls go on | rest: measured at 2,000 a second; nothing bounds a peer
F033 | cached answers across tenants, keys, models or prompts | never | waived: no answer is cached
F034 | ids of another tenant's objects | 404 | waived: the router keeps no objects; an id that a target made, such as previous_response_id, is good for whoever knows it
F035 | a caller who tries to choose where calls go | such fields are a 400; only configured origins are called; redirects are not followed
F036 | fields that would widen rights on write routes | 400 | later: admin writes
F037 | secrets and prompts as canaries through every path | never in logs, errors or pages
F038 | a worker that echoes our key or the prompt in an error | a fixed text instead
F039 | the caller's Authorization | never sent on; workers get only their own
F040 | a key revoked during a stream | new calls refused within 5 s, the stream ends | rest: the stream goes on to its own end
F041 | one tenant's flood | costs the others nothing | later: tenants
`,
  ),
  section(
    'MCP and console',
    `
F042 | a name rebound to loopback | 403 by its Host
F043 | a page in a browser, from an origin that is not listed | 403, no CORS headers
F044 | MCP headers unlike the body | refused, tool not run | later: MCP
F045 | a hundred MCP clients with the same ids | each sees its own replies | later: MCP
F046 | input that names a command, module or file | no such field; no child process outside demo workers and the command line | rest: MCP and console do not exist yet
F047 | hostile tool arguments to MCP | schema errors, same limits | later: MCP
F048 | an operator's tool with a tenant's key | 403 | later: MCP
F049 | script in names or texts on the console | text and nothing else | later: console
F050 | forged or framed console actions | 403 | later: console
F051 | guessing and fixing console sessions | throttled, ids renewed | later: console
F052 | formulas in exports | quoted | later: exports
`,
  ),
  section(
    'Workers and networks',
    `
F053 | connection refused | the next worker or rung, else 502 at once
F054 | a connection that never opens | given up after 3 s, then the next, else 504
F055 | names that do not resolve | the next worker or rung, else 502 | rest: no cache of last good addresses
F056 | bad certificates, stalled handshakes | 502; no way to switch checks off
F057 | 200 with HTML, broken JSON, a wrong type or nothing | a failed attempt; nothing of it is passed on
F058 | a stream cut by a reset | what was sent stays whole, then an in-band error; never a clean end
F059 | a stream that ends cleanly without its terminal event | as a cut one
F060 | errors inside a 200 stream | an error to the caller, a failed attempt; before first content the next rung
F061 | start-up frames and then a refusal | frames are held back, so the next rung may still answer
F062 | a refusal that comes with the first read | the retry boundary is first content
F063 | a cut, a stall or one bad event before or after first content | before: next; after: error; one bad event alone is skipped
F064 | silence before the head, before content, between events | a timer for each phase, then 504 or an in-band error; no connection stays
F065 | events cut at every byte; an event of 8 MiB | put together exactly; over 1 MiB is a fault
F066 | a stream without end | ended by its own bound, the class's total or 64 MiB
F067 | compressed or mislabelled replies | identity is asked for, anything else is a fault
F068 | 429, 503, 529 with good, absurd or no hints; no money left | left alone for at most 60 s; no money: another target; nothing hammers
F069 | every target asks to be left alone | Retry-After always
F070 | failover without any hint or setting | on the first failing call
F071 | why a worker is left alone | on the status page, with the time left
F072 | a worker that is full | is not broken: no breaker, another worker
F073 | bytes on an idle connection | the connection is dropped; no answer goes to the wrong call
F074 | replies after we gave up | ignored; nothing closes twice
F075 | random aborts | no bytes cross calls; all counts return to zero
F076 | absurd usage, another model's name | clamped, and recorded as said | rest: there is no ledger yet
F077 | a retry after bytes went out | never
F078 | the caller leaves at any point of any route | the worker's call is aborted within 250 ms and the slot is free
`,
  ),
  section(
    'Overload, cold start, degradation',
    `
F079 | a full line, or a wait beyond the bound | refused at once with Retry-After
F080 | ten times the load for minutes | most of the peak's goodput, and calm within seconds after
F081 | all attempts fail while clients retry | at most 1.2 attempts a call; breakers open; probes one at a time
F082 | a thousand calls to a cold model | one start, a bounded line, the rest told when | rest: waking of platforms
F083 | a thousand identical calls | one call upstream | later: cached answers
F084 | a full ladder: better, smaller, refuse | a substitute says so; callers may forbid it; capability binds | rest: cached rungs
F085 | batch beside chat | batch yields | rest: batches themselves
F086 | memory runs low | sheds in steps | rest: what caches and batches stop at 80 %, once there are any
F087 | the loop lags | sheds by class
F088 | one slow worker among good ones | passed over until waiting costs more
F089 | a worker that comes and goes | breaker with growing pauses | rest: ejection bounds per pool
`,
  ),
  section(
    'Durability',
    `
F090 | killed in the middle of a batch | every line exactly once | later: batch
F091 | killed between reply and commit | run again, one result kept | later: batch
F092 | killed while writing the output | the same bytes after a restart | later: batch
F093 | two owners of one line | the late one is refused | later: batch
F094 | cancelled or expired batches | no new lines; partial output | later: batch
F095 | disk full or broken | what needs it waits; chat goes on | rest: shown of the ledger; batches and files do not exist yet
F096 | a busy database | bounded wait
F097 | a damaged or newer database | a clear refusal to start
F098 | one idempotency key again | replay, refuse or wait | later: idempotency
F099 | SIGTERM | not ready at once, calls end in peace up to the limit, then in-band errors, exit 0
F100 | clocks that jump | waits are monotonic, hints stay in bounds | rest: clocks of several routers on the ledger alone
F101 | failover of Postgres | bounded, one retry | later: Postgres
F102 | eviction of a Durable Object | state comes from storage | later: edge
F103 | the consumer of usage is down | spooled in order, then an alarm | later: ledger
`,
  ),
  section(
    'Quota',
    `
F104 | many replicas, one key | never above the bound | rest: one router counts for itself so far
F105 | costly calls at once near a limit | reserved first; over by one call's error at most
F106 | parallel calls against a token limit | over by one call at most
F107 | slots that leak | closed on every way out | rest: no slots are shared by several routers so far
F108 | reservations after crash, abort, refusal | settled or released once
F109 | counters and ledger apart | equal to the cent
F110 | counters lost | seeded, never added twice | rest: money alone; rates begin full after a restart
F111 | the store is gone at start | visible, and found again | later: stores
F112 | the store is frozen | bounded waits | rest: of quotas alone so far
F113 | a store that lost its last writes | bounded extra, no money | later: stores
`,
  ),
  section(
    'Configuration and operation',
    `
F114 | broken, huge, partial or cyclic policy | at start: exit 2 with file, line and key; on reload: the last good one stays
F115 | an address that others can reach, without keys or an encrypted way | refused, and told what is missing
F116 | secrets written into the policy | refused, and never repeated | rest: strength is not judged yet
F117 | probing health and metrics | health says ok or not; detail on the admin listener alone | rest: no metrics yet
F118 | a poisoned dependency | lockfile, no install scripts, a week's age, few dependencies with reasons
F119 | up and down a release with work in flight | migrates forward, refuses backward | rest: the ledger alone has migrations, and batches do not exist yet
F120 | memory that creeps | flat after warming up
F121 | a release that breaks tools at one provider | golden suites gate it | later: golden suites against real APIs
`,
  ),
  section(
    'Dialects and tools',
    `
F122 | continuation that a model refuses | only where it can | waived: replies are never continued in the middle; a cut is an error
F123 | keep-alive frames that break a client | off, or safe | waived: the router sends no frames of its own while it waits
F124 | doubled or empty starts of Anthropic streams | one start, true numbers
F125 | two open blocks at once | never | later: translation
F126 | cache marks lost in translation | kept or declared | later: translation
F127 | tool ids that another provider refuses | mapped both ways | later: translation
F128 | lost thought signatures | kept | later: translation
F129 | thinking blocks rebuilt | same bytes, or declared | later: translation
F130 | schema or tools lost on a fallback | capability binds the choice; else 400
F131 | fields that workers choke on | what is unset stays unset
F132 | our fault laid on a worker | blame goes where it belongs
`,
  ),
  section(
    'Metering and disclosure',
    `
F133 | usage missing or twice in streams | always asked for, passed on once and only if wanted
F134 | cached tokens counted twice or not | one normal form
F135 | a fallback that hides | asked and served model, reason and attempts on every reply
`,
  ),
];
