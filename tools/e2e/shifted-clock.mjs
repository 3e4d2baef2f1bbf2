/**
 * Preloaded into a service (`node --import`): it lives CLOCK_SHIFT_MS away from now, so that a prediction and its outcome can really lie
 * weeks apart within one test. Timers and the steady watch go on as ever.
 */
const shiftMs = Number(process.env.CLOCK_SHIFT_MS);
const wallMs = Date.now;
Date.now = () => wallMs() + shiftMs;
globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [target.now()] : args, newTarget),
});
