/** What is said of the class beside its images: progress, figures, examples, reviewers. */
import {classNow, nextOpenClass, state} from "./state.js";

const byId = name => document.getElementById(name);
const number = value => value.toLocaleString("en");
const percent = share => `${(100 * share).toFixed(share < .1 && share > 0 ? 1 : 0)} %`;
const count = (value, word) => `${number(value)} ${word}${value === 1 ? "" : "s"}`;

let listed = [], listedMode = null;  // what the options say

/** Only what has changed is written: there may be thousands of classes. */
export function showClasses() {
  const select = byId("class"), audit = state.mode === "audit";
  if (listed.length !== state.classes.length) {
    select.replaceChildren(...state.classes.map(found => new Option("", found.column)));
    listed = [];
  }
  state.classes.forEach((found, place) => {
    if (listed[place] === found && listedMode === state.mode) return;
    const total = audit ? found.audit.sampled : found.suggestions;
    const answered = audit ? found.audit.answered : found.answered;
    select.options[place].textContent = `${found.name} · ${number(answered)} of ${number(total)}`;
  });
  [listed, listedMode] = [[...state.classes], state.mode];
  select.value = state.column;
}

export function showPanel() {
  const found = classNow();
  const audit = state.mode === "audit";
  for (const mode of ["suggestions", "audit"])
    document.querySelector(`[data-action=${mode}]`).setAttribute("aria-pressed", String(state.mode === mode));
  byId("reviewer").placeholder = state.reviewer;
  showReviewers();
  if (!found) return;
  const total = audit ? found.audit.sampled : found.suggestions;
  const answered = audit ? found.audit.answered : found.answered;
  byId("progress").max = Math.max(1, total);
  byId("progress").value = answered;
  byId("count").textContent = `${number(answered)} of ${number(total)} answered`;
  byId("figures-title").textContent = audit ? "Audit of this class" : "This class so far";
  const lines = audit ? auditLines(found) : suggestionLines(found);
  byId("figures").replaceChildren(...lines.map(text => {
    const line = document.createElement("li");
    line.textContent = text;
    return line;
  }));
}

function suggestionLines(found) {
  const lines = [];
  if (!found.learnt)
    lines.push("The model has not learnt this class: the order of its suggestions means nothing.");
  if (found.answered)
    lines.push(`Answers: ${number(found.yes)} yes, ${number(found.no)} no, ${number(found.unsure)} unsure.`);
  if (found.precision !== null)
    lines.push(`${percent(found.precision)} of the answered suggestions are missing tags` +
      (found.recent_precision === null || found.yes + found.no <= 50 ? "." : `; of the last fifty ${percent(found.recent_precision)}.`));
  if (found.suggestions > found.answered) lines.push(worth(found));
  return lines;
}

function worth(found) {
  if (found.worth === null) return "From ten answers on, this says how many more are worth giving.";
  if (!found.worth)
    return "Further answers are expected to find less than one missing tag in ten: another class is worth more.";
  return `About ${count(found.expected, "missing tag")} are expected among the others. ` +
    `The next ${count(found.worth, "answer")} should be worth it: at least one missing tag in ten.`;
}

function auditLines({audit}) {
  const lines = ["A random sample of the entries without a label, in random order, whatever the model says."];
  if (!audit.answered || audit.estimate === null) {
    lines.push("Answers give an estimate of how many tags are missing.");
    return lines;
  }
  lines.push(`${number(audit.present)} of ${number(audit.answered)} answered show the class.`);
  lines.push(`Estimate: ${percent(audit.estimate)} of the entries without a label are missing tags ` +
    `(95 % interval: ${percent(audit.low)} to ${percent(audit.high)}).`);
  return lines;
}

function showReviewers() {
  const others = state.reviewers.filter(name => name !== state.reviewer);
  const {both, agree} = state.agreement;
  const sentences = [`You are ${state.reviewer}.`];
  if (others.length) sentences.push(`Others: ${others.join(", ")}.`);
  if (both)
    sentences.push(`Answered by you and by others: ${number(both)}, with the same answer ${number(agree)} (${percent(agree / both)}).`);
  byId("reviewers").textContent = sentences.join(" ");
}

export function showExamples(entries) {
  const figures = entries.map(entry => {
    const image = new Image();
    image.src = `/thumbnails/${entry.row}`;
    image.alt = entry.image;
    image.title = entry.image;
    return image;
  });
  if (!figures.length) {
    const text = document.createElement("p");
    text.textContent = "None is confirmed yet: the first Yes will stand here.";
    figures.push(text);
  }
  byId("examples").replaceChildren(...figures);
}

export function showEmpty() {
  const found = classNow();
  byId("empty").hidden = !state.done;
  if (!state.done || !found) return;
  const audit = state.mode === "audit";
  const what = audit ? "entries of the audit" : "suggestions";
  byId("empty-title").textContent = state.total === 0
    ? `No ${what} for ${found.name}` : `All ${what} for ${found.name} are answered`;
  byId("empty-text").textContent = !audit && state.total && found.precision !== null
    ? `${percent(found.precision)} of them were missing tags.` : "";
  const next = nextOpenClass();
  byId("offered").hidden = !next;
  if (next) byId("offered").textContent = `Next class: ${next.name}`;
  else byId("empty-text").textContent += " No class has any left.";
}
