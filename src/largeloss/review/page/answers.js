/** Answers, flags and undo as steps of the outbox, and what the server's replies change. */
import {Outbox} from "./outbox.js";
import {acknowledge, state} from "./state.js";

let outbox = null, listener = null;
const history = [];  // what this page has answered, last at the end: what undo will bring back

/** told: {changed(), tell(text), notice(text), waiting(message), back(), undone(reply), yes()} */
export function start(name, told) {
  listener = told;
  outbox = new Outbox(name, {acknowledged, refused, waiting: told.waiting, back: told.back});
  outbox.send();
}

/** What is shown of an entry: its answer and flag, and whether the server has acknowledged them. */
export function answerOf(entry) {
  const coming = outbox.pending(entry.row, entry.column);
  const flag = outbox.steps.findLast(({path, body}) =>
    path === "/api/flags" && body.row === entry.row && body.column === entry.column);
  return {
    answer: coming === undefined ? entry.answer : coming,
    saved: coming === undefined,
    flagged: flag ? flag.body.flagged : entry.flagged,
    flagSaved: !flag,
  };
}

export function pending(row, column) {
  return outbox.pending(row, column);
}

/** How many answers the server has not acknowledged. */
export function unsaved() {
  return (outbox?.steps ?? []).reduce((sum, step) => sum + Math.max(1, step.effects.length), 0);
}

/** An undo is on its way of which this page does not know what it will change. */
export function isUndoing() {
  return (outbox?.steps ?? []).some(step => step.path === "/api/undo" && !step.effects.length);
}

/** One step: places are [{position, entry}], all of the class under review. */
export function give(places, answer) {
  const answers = places.map(({entry}) => ({row: entry.row, column: entry.column, answer}));
  const before = places.map(({position, entry}) =>
    ({position, row: entry.row, column: entry.column, answer: answerOf(entry).answer}));
  const {mode, column} = state;
  const step = outbox.push("/api/answers", {...whose(), mode, answers}, answers);
  history.push({id: step.id, column, mode, before});
}

/** Undoes the last step; returns it if this page made it: {column, mode, before: [{position}]}. */
export function undo() {
  const taken = outbox.takeBack();
  if (taken) {
    const place = history.findLastIndex(step => step.id === taken.id);
    return place < 0 ? null : history.splice(place, 1)[0];
  }
  const last = history.pop() ?? null;
  const effects = last ? last.before.map(({row, column, answer}) => ({row, column, answer})) : [];
  outbox.push("/api/undo", whose(), effects);
  return last;
}

export function flag(entry) {
  const {row, column} = entry;
  const flagged = !answerOf(entry).flagged;
  outbox.push("/api/flags", {...whose(), row, column, flagged}, []);
}

/** Who answers, and of which run and images: the server refuses rows of others. */
function whose() {
  return {reviewer: state.reviewer, review: state.identity};
}

function acknowledged(step, reply) {
  if (step.path === "/api/answers") answersSaved(step, reply);
  else if (step.path === "/api/undo") undoSaved(step, reply);
  else {
    acknowledge(step.body.row, step.body.column, {flagged: reply.flagged});
    listener.tell(reply.flagged ? "Flag saved." : "Flag removed.");
  }
  if (reply.class) replaceClass(reply.class);
  listener.changed();
}

function answersSaved(step, reply) {
  const given = new Map(step.body.answers.map(item => [`${item.row}/${item.column}`, item.answer]));
  for (const {row, column, others} of reply.answers)
    acknowledge(row, column, {answer: given.get(`${row}/${column}`), others});
  const {answer} = step.body.answers[0], {length} = step.body.answers;
  const former = before(reply.answers, length);
  const same = former.filter(given => given.answer === answer).map(given => `${given.text}, too.`);
  const saved = length === 1 ? `Saved: ${answer}.` : `Saved: ${answer}, ${length} images.`;
  listener.tell([saved, ...same].join(" "));
  for (const given of former)
    if (given.answer !== answer) listener.notice(`${given.text}; you: ${answer}.`);
  if (answer === "yes") listener.yes();
}

/** Who answered the same entries earlier, and what: [{answer, text}]. */
function before(answers, length) {
  const counts = new Map();
  for (const {others} of answers)
    for (const {reviewer, answer} of others) {
      const key = JSON.stringify([reviewer, answer]);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  return [...counts].map(([key, count]) => {
    const [reviewer, answer] = JSON.parse(key);
    const where = length === 1 ? "before" : `${count} of these before`;
    return {answer, text: `${reviewer} had answered ${where}: ${answer}`};
  });
}

function undoSaved(step, reply) {
  if (!reply.undone.length) {
    listener.tell("There is nothing to undo.");
    return;
  }
  for (const {row, column, answer} of reply.undone) acknowledge(row, column, {answer});
  const many = reply.undone.length > 1 ? `${reply.undone.length} answers` : "one answer";
  listener.tell(`Undone: ${many}.`);
  const expected = step.effects.map(({row, column}) => `${row}/${column}`).sort().join();
  const undone = reply.undone.map(({row, column}) => `${row}/${column}`).sort().join();
  if (expected !== undone) listener.undone(reply);
}

function refused(step, message) {
  const place = history.findLastIndex(known => known.id === step.id);
  if (place >= 0) history.splice(place, 1);
  listener.notice(`Not saved: ${message}`);
  listener.changed();
}

function replaceClass(found) {
  const place = state.classes.findIndex(known => known.column === found.column);
  if (place >= 0) state.classes[place] = found;
}
