/** Calls of the server. What it refuses is a Refused; a server that is gone is a TypeError of fetch. */

export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export function get(path, parameters) {
  return call(`${path}?${new URLSearchParams(parameters)}`, {});
}

export function post(path, body) {
  const headers = {"Content-Type": "application/json"};
  return call(path, {method: "POST", headers, body: JSON.stringify(body)});
}

async function call(address, options) {
  const response = await fetch(address, {credentials: "same-origin", cache: "no-store", ...options});
  const reply = await response.json().catch(() => null);
  if (response.ok && reply !== null) return reply;
  throw new Refused(reply?.error ?? `The server answered with status ${response.status}.`,
    response.ok ? 500 : response.status);
}
