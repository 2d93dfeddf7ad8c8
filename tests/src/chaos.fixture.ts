import { mkdtempSync, rmSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROLES, type ClusterProcess, type Role } from '@sliceway/local';
import { tinyModel } from '@sliceway/testing';
import type { ChatFields } from './chat-stream.fixture.js';
import { ClusterFixture, type ChatOptions, type Expected } from './cluster.fixture.js';
import { expectQuiet, healthOf, subscriptionsOf, type Subscriptions } from './quiet.fixture.js';
import { FIRST, type Outcome, STORIES, verdictOf } from './stories.fixture.js';
import { until } from './until.fixture.js';
import { type Stage, WireWatch } from './wire-watch.fixture.js';

/** Whoever has no answer by then hangs. */
const HANG_MS = 15_000;
/** For a process that comes or goes to be known by all. */
const KNOWN_MS = 10_000;
/** For workers to give up what nobody waits for. */
const FREE_MS = 10_000;
/** From the broker's return to a ready gateway. */
const RECOVERY_MS = 5000;
/** Strikes until one is in time: on a busy machine this process may wait for longer than a stage lasts. */
const MAX_TRIES = 15;
/** Niceness of this process while it waits for a stage, since who comes late misses it. */
const FIRST_OF_ALL = -15;
const AS_ALL = 0;

/**
 * Stages are long: prompts of 20 chunks, a credit for every KV frame, many tokens. Who is lost is missed soon, but not one
 * that a busy machine lets wait for half a second. There that may take four seconds, as a process that is late itself trusts its
 * peers for longer: what stands still is given up only after that.
 */
const CHAOS_ENV = {
  SLICEWAY_HEARTBEAT_INTERVAL_MS: '300',
  SLICEWAY_CHUNKED_PREFILL_TOKENS: '16',
  SLICEWAY_MAX_RUNNING: '16',
  SLICEWAY_KV_WINDOW: '1',
  SLICEWAY_KV_TIMEOUT_MS: '8000',
  SLICEWAY_STALL_TIMEOUT_MS: '8000',
  SLICEWAY_PREFILL_POLICY: 'round_robin',
  SLICEWAY_DECODE_POLICY: 'round_robin',
};

export interface Reached {
  /** Of the first story. */
  readonly rid: string;
  readonly load: Promise<Outcome[]>;
}

export interface Hit {
  /** Of the first story. */
  readonly rid: string;
  readonly victim: ClusterProcess;
  readonly outcomes: readonly Outcome[];
}

type Signal = 'SIGKILL' | 'SIGTERM' | 'SIGSTOP';

export interface ChaosOptions {
  readonly counts: Record<Role, number>;
  readonly env?: Readonly<Record<string, string>>;
  readonly kvMemoryMb?: number;
}

/** Does nothing where it is not allowed. */
function prioritize(niceness: number): void {
  try {
    setPriority(niceness);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SYSTEM_ERROR') throw error;
  }
}

/** A cluster of tiny models to be broken, and what each story is when nothing breaks. */
export class Chaos {
  /** Processes that were meant to end. */
  readonly #ended = new Set<ClusterProcess>();
  readonly #stopped = new Set<ClusterProcess>();
  /** Those that come in the place of killed ones. */
  readonly #coming: Promise<ClusterProcess>[] = [];

  private constructor(
    readonly fixture: ClusterFixture,
    readonly watch: WireWatch,
    private readonly counts: Record<Role, number>,
    private readonly folder: string,
    private readonly expected: ReadonlyMap<ChatFields, Expected>,
    private readonly subscriptions: Subscriptions,
  ) {}

  static async start({ counts, env = {}, kvMemoryMb = 2 }: ChaosOptions): Promise<Chaos> {
    const folder = mkdtempSync(join(tmpdir(), 'sliceway-chaos-'));
    const modelPath = tinyModel(folder);
    const fixture = await ClusterFixture.start({ modelPath, kvMemoryMb, counts, env: { ...CHAOS_ENV, ...env } });
    const watch = await WireWatch.start(fixture.nats.url);
    // Some subscriptions come with the first request.
    await Promise.all(fixture.cluster.running('gateway').map((gateway) => fixture.chat(FIRST, { gateway })));
    const expected = new Map<ChatFields, Expected>();
    for (const fields of STORIES) expected.set(fields, await fixture.expected(fields));
    const chaos = new Chaos(fixture, watch, counts, folder, expected, subscriptionsOf(await fixture.connections()));
    await chaos.known();
    return chaos;
  }

  async stop(): Promise<void> {
    await this.watch.stop();
    await this.fixture.stop();
    rmSync(this.folder, { recursive: true });
  }

  /** Sends a story, and never rejects. */
  async ask(fields: ChatFields, options: ChatOptions = {}): Promise<Outcome> {
    const { gateway = this.fixture.cluster.running('gateway')[0]!, signal = AbortSignal.timeout(HANG_MS) } = options;
    return this.fixture.chat(fields, { ...options, gateway, signal }).then(
      (answer) => ({ fields, gateway, answer, error: null }),
      (error: Error) => ({ fields, gateway, answer: null, error }),
    );
  }

  /** Sends all stories at once, to all gateways in turn. */
  load(): Promise<Outcome[]> {
    const gateways = this.fixture.cluster.running('gateway');
    return Promise.all(STORIES.map((fields, i) => this.ask(fields, { gateway: gateways[i % gateways.length]! })));
  }

  /** In a few words: `whole`, or what is wrong with it. */
  verdict(outcome: Outcome): string {
    return verdictOf(outcome, this.expected.get(outcome.fields)!);
  }

  expectWhole(outcomes: readonly Outcome[]): void {
    expect(outcomes.map((each) => this.verdict(each))).toEqual(outcomes.map(() => 'whole'));
  }

  /** The process that serves a request, once there is one. */
  partyOf(rid: string, role: Role): ClusterProcess | undefined {
    const { gateways, tokenizers, prefills, decodes } = this.watch;
    const instance = { gateway: gateways, tokenizer: tokenizers, prefill: prefills, decode: decodes }[role].get(rid);
    return this.fixture.running.find((process) => process.instance === instance);
  }

  strike(victim: ClusterProcess, signal: Signal): void {
    (signal === 'SIGSTOP' ? this.#stopped : this.#ended).add(victim);
    victim.kill(signal);
    if (signal === 'SIGKILL') this.#replace(victim.role);
  }

  /** At once: to start takes as long as to be missed. */
  #replace(role: Role): void {
    const coming = this.fixture.cluster.startProcess(role);
    // `restore` tells of it.
    coming.catch(() => {});
    this.#coming.push(coming);
  }

  /** Wakes those that were stopped, puts others in the place of those that ended, and waits until all know. */
  async restore(): Promise<void> {
    for (const stopped of this.#stopped) stopped.kill('SIGCONT');
    this.#stopped.clear();
    await Promise.all([...this.#ended].map(({ exited }) => exited));
    await Promise.all(this.#coming.splice(0));
    const missing = ROLES.flatMap((role) =>
      Array<Role>(this.counts[role] - this.fixture.cluster.running(role).length).fill(role),
    );
    await Promise.all(missing.map((role) => this.fixture.cluster.startProcess(role)));
    await this.known();
  }

  /** Waits until all that can work take exactly each other for ready. */
  async known(): Promise<void> {
    await until('all know who is there', KNOWN_MS, async () => {
      const members = this.fixture.running.filter((each) => !this.#stopped.has(each) && !this.#ended.has(each));
      const wanted = members.map(({ instance }) => instance).sort();
      const healths = await Promise.all(members.map(healthOf));
      return healths.every(({ peers }) => {
        const ready = Object.values(peers)
          .flat()
          .filter(({ state }) => state === 'ready');
        return (
          ready
            .map(({ instance }) => instance)
            .sort()
            .join() === wanted.join()
        );
      });
    });
  }

  /** Kills nats-server and waits until all gateways serve again. */
  async restartNats(): Promise<void> {
    const { fixture } = this;
    await fixture.restartNats();
    // Before, those that have not noticed yet still say that they are ready.
    await until('all are back', KNOWN_MS, async () => {
      return subscriptionsOf(await fixture.connections()).length === this.subscriptions.length;
    });
    for (const { url, name } of fixture.cluster.running('gateway')) {
      await until(`${name} is ready`, RECOVERY_MS, async () => (await fetch(`${url}/health/ready`)).ok);
    }
    await this.known();
  }

  /** Starts a load and waits until its first story is at a stage. @throws Error when it never gets there */
  async reached(stage: Stage, run = () => this.load()): Promise<Reached> {
    const reached = this.watch.next(stage, FIRST.content);
    const load = run();
    const missed = load.then((outcomes): never => {
      throw new Error(`no request got to ${stage}: ${outcomes.map((each) => this.verdict(each)).join(', ')}`);
    });
    prioritize(FIRST_OF_ALL);
    try {
      return { rid: await Promise.race([reached, missed]), load };
    } finally {
      prioritize(AS_ALL);
    }
  }

  /**
   * Strikes the process that serves the first story of a load, at a stage of that story; again when it was too late.
   *
   * @param whileStopped waits for what has to come before a stopped process may wake up
   */
  async hit(stage: Stage, role: Role, signal: Signal, whileStopped?: () => Promise<void>): Promise<Hit> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const { rid, load } = await this.reached(stage);
      // Before it has a pair, any of them: about half of the stories will be given to it while it still counts as alive.
      const victim = this.partyOf(rid, role) ?? this.fixture.cluster.running(role)[0]!;
      this.strike(victim, signal);
      await this.watch.settled();
      const wasThere = this.watch.isHit(stage, role, rid);
      await whileStopped?.();
      if (whileStopped) victim.kill('SIGCONT');
      const outcomes = await load;
      if (whileStopped) await this.released();
      await this.watch.settled();
      // The victim's last tokens may have been on their way already, or come when it wakes up; others do not come later.
      // Who is told to end goes on with what it has.
      const mayGoOn = role === 'decode' ? stage === 'decode' : role !== 'gateway' && stage !== 'decode';
      const isStruck = this.watch.parties.get(rid)?.some(({ instance }) => instance === victim.instance) === true;
      const isDone = signal !== 'SIGTERM' && mayGoOn && isStruck && !this.watch.isHit(stage, role, rid);
      if (wasThere && !isDone) return { rid, victim, outcomes };
      await this.restore();
    }
    throw new Error(`in ${MAX_TRIES} tries no request was still at ${stage} when its ${role} was struck`);
  }

  /** Waits until workers hold nothing, those that can say. */
  async released(timeoutMs = FREE_MS): Promise<void> {
    const workers = this.fixture.running.filter(({ role }) => role !== 'gateway');
    expect(await this.fixture.heldAfter(timeoutMs, workers)).toEqual([]);
  }

  async expectQuiet(timeoutMs?: number): Promise<void> {
    await expectQuiet(this.fixture, this.subscriptions, this.#ended, timeoutMs);
  }
}
