/**
 * Steps that the server has not acknowledged: sent one by one, oldest first, until it has. They also
 * lie in the browser's storage, so that a closed page sends them when it is opened again. The server
 * knows a step by its id and commits it once, however often it is sent.
 */
import {post, Refused} from "./server.js";

const REFUSALS = [400, 404, 409, 413, 415, 422];  // what will never be accepted, however often it is sent
const PAUSES = [500, 1000, 2000, 4000];  // milliseconds before a step is sent again

export class Outbox {
  /** listener: acknowledged(step, reply), refused(step, message), waiting(message), back() */
  constructor(name, listener) {
    this.listener = listener;
    this.prefix = `largeloss-review:${name}:`;
    this.steps = stored(this.prefix);
    this.sending = null;
  }

  /** effects: what the entries' answers will be, [{row, column, answer}]. */
  push(path, body, effects) {
    const last = this.steps.at(-1)?.number ?? 0;
    const number = Math.max(Date.now(), last + 1);
    const step = {id: identity(), number, path, body, effects, tried: 0};
    this.steps.push(step);
    this.store(step);
    this.send();
    return step;
  }

  /** Takes the last step back if it was never sent. */
  takeBack() {
    const step = this.steps.at(-1);
    if (!step || step.tried || step.path !== "/api/answers") return null;
    this.remove(step);
    return step;
  }

  /** The answer of an entry that is on its way; undefined if none is. */
  pending(row, column) {
    for (let place = this.steps.length - 1; place >= 0; place -= 1) {
      const found = this.steps[place].effects.find(e => e.row === row && e.column === column);
      if (found) return found.answer;
    }
    return undefined;
  }

  send() {
    this.sending ??= this.sendAll().finally(() => { this.sending = null; });
    return this.sending;
  }

  async sendAll() {
    for (let failures = 0; this.steps.length;) {
      const step = this.steps[0];
      step.tried += 1;
      try {
        const reply = await post(step.path, {...step.body, id: step.id});
        this.remove(step);
        failures = 0;
        this.listener.back();
        this.listener.acknowledged(step, reply);
      } catch (error) {
        if (error instanceof Refused && REFUSALS.includes(error.status)) {
          this.remove(step);
          this.listener.refused(step, error.message);
          continue;
        }
        this.listener.waiting(error instanceof Refused ? error.message : null);
        await new Promise(done => setTimeout(done, PAUSES[Math.min(failures, PAUSES.length - 1)]));
        failures += 1;
      }
    }
  }

  store(step) {
    try {
      localStorage.setItem(this.prefix + step.id, JSON.stringify(step));
    } catch { /* full or forbidden: the step stays in memory, and the page says that it is unsaved */ }
  }

  remove(step) {
    this.steps = this.steps.filter(other => other !== step);
    try {
      localStorage.removeItem(this.prefix + step.id);
    } catch { /* as above */ }
  }
}

function stored(prefix) {
  try {
    const keys = Object.keys(localStorage).filter(key => key.startsWith(prefix));
    const steps = keys.map(key => JSON.parse(localStorage.getItem(key)));
    return steps.map(step => ({...step, tried: 1})).sort((one, other) => one.number - other.number);
  } catch {
    return [];
  }
}

function identity() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map(byte => byte.toString(16).padStart(2, "0")).join("");
}
