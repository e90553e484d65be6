/** Start a server of vambe-mock, or connect to one, and create sandboxes in it. */

import type { components as api, operations } from "./types/api.js";
import type { components as control } from "./types/control.js";

type Rules = control["schemas"];

/** The id of an operation of the imitated API. */
export type Operation = keyof operations;
/** A task, as the API answers with it. */
export type Task = api["schemas"]["Task"];
/** A pattern of requests (docs/control-plane.md, "Patterns"); each value may be a matcher, as `{ $glob: "C*" }`. */
export type Pattern = Omit<Rules["Pattern"], "operation"> & { operation?: Operation };
/** A fault rule (docs/control-plane.md, "Faults"). */
export type FaultRule = Omit<Rules["FaultRule"], "match"> & { match?: Pattern };
/** A fault rule that is set, with the number of requests that it has hit. */
export type Fault = FaultRule & { id: string; hits: number; spent: boolean };
/** The expected number of requests; the default is `{ at_least: 1 }`. */
export type Times = Rules["Times"];
export type Reset = Rules["Reset"];
export type State = Rules["State"];
export type NewTask = Rules["NewTask"];
export type ClockChange = Rules["ClockChange"];
export type SettingsChange = Rules["SettingsChange"];
/** A switch for each guess about the vendor (docs/fidelity.md, "Switches"); null is the server's value. */
export type Switches = NonNullable<SettingsChange["assume"]>;

/** An entry of the journal (docs/control-plane.md, "Requests"). */
export interface Entry {
  id: number;
  operation: Operation | null;
  [part: string]: any;
}

export interface ClockState {
  mode: "ticking" | "frozen" | "real";
  now: string;
  tick_ms: number;
}

export interface Settings {
  strict: boolean;
  delay_ms: NonNullable<SettingsChange["delay_ms"]>;
  rate_limit: Rules["RateLimit"] | null;
  assume: Record<string, string>;
}

export interface StartOptions {
  /** Options of `vambe-mock serve`, such as `["--fixtures", "demo"]`; `VAMBE_MOCK_…` variables apply too. */
  args?: string[];
  /** Variables to add to the environment of the server. */
  env?: Record<string, string>;
  /** The longest wait until it is ready; by default 60,000 ms. */
  timeoutMs?: number;
}

/** Milliseconds to wait for requests that are still to come; none by default. */
export interface Patience {
  timeoutMs?: number;
}

/**
 * Start a server on a free port: `VAMBE_MOCK_BIN`, else `vambe-mock` on the PATH, else `uvx vambe-mock`. It ends with this
 * process, also by a signal. Rejects with an Error that says what was tried.
 */
export function start(options?: StartOptions): Promise<Server>;

/** A server that runs already; the token is by default VAMBE_MOCK_ADMIN_TOKEN. */
export function connect(url: string, adminToken?: string): Server;

/** The server of this process: that at VAMBE_MOCK_URL, else one that the first call starts. */
export function server(): Promise<Server>;

export class Server {
  private constructor();
  readonly url: string;
  readonly adminToken: string | undefined;
  /** Create a sandbox; its name begins with the words of the title. */
  sandbox(title?: string): Promise<Sandbox>;
  /** Stop the server, if `start` started it; its data is lost. */
  stop(): Promise<void>;
}

/** A sandbox: its own data, clock, faults and journal. Its methods reject with a CallFailed. */
export class Sandbox {
  private constructor();
  readonly name: string;
  /** The server's URL, for the client under test in place of the vendor's. */
  readonly url: string;
  /** The API key that opens this sandbox. */
  readonly key: string;
  /** The header with the key. */
  readonly headers: { "x-api-key": string };
  /** URL and key as environment variables. */
  readonly env: { VAMBE_API_URL: string; VAMBE_API_KEY: string };
  readonly clock: Clock;

  /** Everything that is stored now, in the shape of fixtures. */
  state(): Promise<State>;
  /** Replace everything that is stored. */
  setState(state: State): Promise<State>;
  /** The tasks that are not deleted, in the order of their creation. */
  tasks(): Promise<Task[]>;
  /** The team, in the order of the fixtures. */
  users(): Promise<Array<{ id: string; [field: string]: any }>>;
  /** Add a task without a request of the API; what is left out gets a default. */
  addTask(task?: NewTask): Promise<Task>;

  /** The matching entries of the journal, oldest first. */
  requests(pattern?: Operation | Pattern): Promise<Entry[]>;
  /** Check how many requests match, and return their number; an AssertionError shows the near misses. */
  verify(pattern: Operation | Pattern, times?: Times, patience?: Patience): Promise<number>;
  /** Check that matching requests came in this order, with or without others in between. */
  verifySequence(patterns: Array<Operation | Pattern>, patience?: Patience): Promise<number>;

  /** Make matching requests fail. */
  fault(rule: FaultRule): Promise<Fault>;
  /** The rules that are set, oldest first. */
  faults(): Promise<Fault[]>;
  clearFaults(): Promise<void>;

  settings(): Promise<Settings>;
  /** Change settings of this sandbox; what is left out stays. */
  configure(change: SettingsChange): Promise<Settings>;
  /** Set switches for guesses about the vendor. */
  assume(switches: Switches): Promise<Settings>;

  /** Restore the fixtures, or what `what` says. */
  reset(what?: Reset): Promise<void>;
  /** Delete the sandbox; its key then opens a new one. */
  delete(): Promise<void>;
  /** Any other call of the control plane, by its path after `/__admin`, with its query. */
  call(method: string, path: string, body?: unknown): Promise<any>;
}

export interface Clock {
  get(): Promise<ClockState>;
  set(change: ClockChange): Promise<ClockState>;
  advance(seconds: number): Promise<ClockState>;
}

/** The server cannot be reached (`status` is undefined), or refused a call. */
export class CallFailed extends Error {
  private constructor();
  readonly status: number | undefined;
  readonly document: unknown;
}
