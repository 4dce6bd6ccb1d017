/**
 * Calls on stubs. In order per stub and direction, and in no other way; arguments and results are copies. A request may
 * be lost, or its answer after it ran; a caller then learns that nothing is known, some time later.
 */
import { LostConnection } from "./lost-connection.ts";
import type { Host } from "./scheduler.ts";
import { type ClassName, describe, SimObject } from "./sim-object.ts";
import type { World } from "./world.ts";

const apartMs = 0.002;

/** Hosts that can wait for an answer: it comes only to the life that asked. */
export interface Caller extends Host {
  readonly life: object | null;
}

export function namespace(world: World, className: ClassName): { getByName(name: string): object } {
  return { getByName: (name) => makeStub(world, className, name) };
}

function makeStub(world: World, className: ClassName, name: string): object {
  const channel = { lastAt: 0 };
  const methods = new Map<string, (...args: unknown[]) => Promise<unknown>>();
  return new Proxy(
    {},
    {
      get: (_target, property) => {
        if (typeof property !== "string" || property === "then") return undefined;
        const known = methods.get(property);
        if (known !== undefined) return known;
        const method = (...args: unknown[]) =>
          call(world, world.object(className, name), channel, property, args);
        methods.set(property, method);
        return method;
      },
    },
  );
}

function call(
  world: World,
  callee: SimObject,
  channel: { lastAt: number },
  method: string,
  args: readonly unknown[],
): Promise<unknown> {
  const { scheduler } = world;
  const caller = scheduler.current as Caller | null;
  if (caller === null) throw new Error("a call is made in a turn");
  const instance = caller instanceof SimObject ? caller.instance : null;
  const { life } = caller;
  const isUpgrade = method === "fetch";
  const sent: readonly unknown[] = isUpgrade ? args : mixed(world, structuredClone(args));
  instance?.pin();
  return new Promise((resolve, reject) => {
    let isSettled = false;
    let finished = () => {};
    const answer = (delayMs: number, settle: () => void) =>
      scheduler.after(delayMs, `answer to ${method}`, caller, () => {
        if (isSettled) return;
        isSettled = true;
        finished();
        if (caller.life !== life) return;
        instance?.unpin();
        settle();
      });
    const unknown = (delayMs: number) => answer(delayMs, () => reject(new LostConnection()));
    const { rng } = caller;
    const send = () => {
      finished = world.observer.called(caller.name, life ?? caller, callee, method, sent);
      if (isCutOff(caller, callee) || rng.chance(world.faults.rpcLostChance)) {
        world.say(caller.name, () => `calls ${callee.name}.${method}, and the request is lost`);
        return unknown(rng.between(50, 8_000));
      }
      channel.lastAt = Math.max(channel.lastAt + apartMs, scheduler.now + delay(world, rng));
      scheduler.after(channel.lastAt - scheduler.now, `call ${method}`, callee, () =>
        execute(world, callee, method, sent, {
          answered: (settle) => {
            if (isCutOff(caller, callee) || rng.chance(world.faults.rpcAnswerLostChance)) {
              world.say(callee.name, () => `answers ${method} of ${caller.name}, and the answer is lost`);
              return unknown(rng.between(50, 8_000));
            }
            return answer(delay(world, rng), () => settle(resolve, reject));
          },
          died: () => unknown(rng.between(1, 200)),
        }),
      );
      return undefined;
    };
    if (caller instanceof SimObject) caller.emit(() => void send());
    else send();
  });
}

/** [design.md, section 1] During a deploy the other end may be one version ahead: it says more than is understood here. */
function mixed<T>(world: World, value: T): T {
  if (!world.faults.isMixed) return value;
  const parts: unknown[] = Array.isArray(value) ? value : [value];
  for (const part of parts) {
    if (typeof part !== "object" || part === null || Array.isArray(part)) continue;
    Object.assign(part, { of_a_later_version: { since: 2 } });
  }
  return value;
}

/** One of the two is on a machine that nobody reaches. */
function isCutOff(...ends: Host[]): boolean {
  return ends.some((end) => end instanceof SimObject && end.isolatedUntil > end.world.scheduler.now);
}

type Settle = (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void;

function execute(
  world: World,
  callee: SimObject,
  method: string,
  args: readonly unknown[],
  reply: { answered(settle: Settle): unknown; died(): unknown },
): void {
  callee.receive((instance) => {
    const finished = instance.executes(() => reply.died());
    const target = instance.object as Record<
      string,
      ((...args: readonly unknown[]) => Promise<unknown>) | undefined
    >;
    const run = async () => await target[method]?.(...args);
    run().then(
      (value) => {
        const copy: unknown = method === "fetch" ? value : mixed(world, structuredClone(value));
        callee.emit(() => {
          finished();
          reply.answered((resolve) => resolve(copy));
        });
      },
      (error: unknown) => {
        if (!(error instanceof LostConnection))
          world.observer.unexpected(callee.name, `${method} threw: ${describe(error)}`);
        callee.emit(() => {
          finished();
          reply.answered((_resolve, reject) => reject(new Error("internal error")));
        });
      },
    );
  });
}

function delay(
  world: World,
  rng: { between(from: number, to: number): number; chance(p: number): boolean },
): number {
  const { rpcDelayMs, rpcSlowChance } = world.faults;
  return rng.chance(rpcSlowChance) ? rng.between(500, 9_000) : rng.between(rpcDelayMs[0], rpcDelayMs[1]);
}
