"use strict";
// The page of a packet: refuses outside its time, opens with secret and code, shows the task, closes when time is over.
(() => {
  const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const SECRET_CHARACTERS = 56, CODE_CHARACTERS = 10, SECRET_BYTES = 32;
  const CLOCK_SLACK_MS = 60_000; // a clock that is slower than this would keep a packet open beyond its life
  const at = (id) => document.getElementById(id);
  const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const utf8 = (text) => new TextEncoder().encode(text);
  const json = (data) => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
  const when = (ms) => new Intl.DateTimeFormat("en-GB", {
    day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
  }).format(ms);

  class Mistake extends Error {
    constructor(message, field) { super(message); this.field = field; }
  }

  let ticking;

  function start() {
    const packet = readPacket();
    if (!packet) return refuse("This file is damaged", "The packet in it cannot be read.", "Ask the office for a new packet.");
    const { header } = packet;
    at("exercise").hidden = header.exercise !== true;
    document.title = (header.exercise === true ? "EXERCISE: " : "") + "Sealed hand-off";
    if (!window.isSecureContext || !window.crypto?.subtle)
      return refuse("This browser cannot open the packet", "It does not offer the encryption that is needed to a file.",
        "Save the file on the device and open it in Chromium or Chrome.");
    if (!inTime(header)) return undefined;
    at("locked-task").textContent = header.reference;
    at("locked-device").textContent = header.device;
    at("locked-until").textContent = when(Date.parse(header.expires_at));
    at("locked").hidden = false;
    at("form").addEventListener("submit", (event) => { event.preventDefault(); tryToOpen(packet); });
    at("paste").addEventListener("click", pasteSecret);
    ticking = setInterval(() => tick(header), 1000);
    document.addEventListener("visibilitychange", () => tick(header));
  }

  function readPacket() {
    try {
      const { header, sealed } = JSON.parse(at("packet").textContent);
      const headerBytes = bytes(header);
      const read = json(headerBytes);
      const known = read.schema === "tiktok-packet/v1" && read.kdf.name === "PBKDF2-HMAC-SHA256" &&
        read.kdf.iterations === 600000 && read.cipher.name === "AES-256-GCM" &&
        Date.parse(read.issued_at) < Date.parse(read.expires_at);
      return known ? { header: read, headerBytes, sealed: bytes(sealed) } : null;
    } catch {
      return null;
    }
  }

  function inTime(header) {
    const now = Date.now(), issued = Date.parse(header.issued_at), expires = Date.parse(header.expires_at);
    if (now >= expires)
      refuse("This packet has expired", `It could be opened until ${when(expires)}. This device's clock says ${when(now)}.`,
        "If the task is not done, leave it and ask the office for a new packet and a new code. If it is done, report it now: " +
        `task ${header.reference}. If this device's clock is wrong, set it and open the file again.`);
    else if (now < issued - CLOCK_SLACK_MS)
      refuse("This device's clock is slow", `It says ${when(now)}, but the packet was made at ${when(issued)}.`,
        "Set the clock, then open the file again.");
    else return true;
    return false;
  }

  function tick(header) {
    if (at("refusal").hidden && inTime(header)) {
      const minutes = Math.ceil((Date.parse(header.expires_at) - Date.now()) / 60_000);
      const said = minutes === 1 ? "less than a minute left" : `less than ${minutes} minutes left`;
      if (at("left").textContent !== said) at("left").textContent = said;
    }
  }

  function refuse(title, what, next) {
    clearInterval(ticking);
    for (const id of ["locked", "opened"]) at(id)?.remove();
    at("refusal-title").textContent = title;
    at("refusal-what").textContent = what;
    at("refusal-do").textContent = next;
    at("refusal").hidden = false;
    at("refusal-title").focus();
  }

  async function tryToOpen(packet) {
    if (at("open").getAttribute("aria-disabled") === "true") return;
    busy(true);
    try {
      const password = await readPassword();
      const contents = await decrypt(packet, password);
      if (inTime(packet.header)) show(packet.header, contents);
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
      if (at("form")) complain(error);
    } finally {
      busy(false);
    }
  }

  function busy(is) {
    const button = at("open");
    if (!button) return;
    button.setAttribute("aria-disabled", String(is));
    at("opening").textContent = is ? "Opening…" : "";
    if (is) complain(null);
  }

  function complain(mistake) {
    for (const id of ["secret", "code"]) at(id).setAttribute("aria-invalid", String(mistake?.field === id));
    at("error").textContent = mistake ? mistake.message : "";
    if (mistake) at(mistake.field).focus();
  }

  async function readPassword() {
    const secret = await readSecret(typed("secret", "device secret", SECRET_CHARACTERS));
    const code = utf8(typed("code", "release code", CODE_CHARACTERS));
    const password = new Uint8Array(SECRET_BYTES + 1 + code.length);
    password.set(secret);
    password.set(code, SECRET_BYTES + 1);
    return password;
  }

  function typed(field, name, characters) {
    const text = at(field).value.replace(/[\s-]/g, "").toUpperCase().replace(/O/g, "0").replace(/[IL]/g, "1");
    if (text.length !== characters)
      throw new Mistake(`The ${name} has ${characters} characters; you have entered ${text.length}.`, field);
    if ([...text].some((c) => !ALPHABET.includes(c)))
      throw new Mistake(`The ${name} has only digits and letters, and no letter U. Check it.`, field);
    return text;
  }

  async function readSecret(text) {
    let number = 0n;
    for (const c of text) number = number * 32n + BigInt(ALPHABET.indexOf(c));
    const hex = number.toString(16).padStart(70, "0");
    const all = Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
    const label = utf8("tiktok-device-secret/v1\0");
    const checked = new Uint8Array(label.length + SECRET_BYTES);
    checked.set(label);
    checked.set(all.subarray(0, SECRET_BYTES), label.length);
    const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", checked));
    if (all.subarray(SECRET_BYTES).some((value, place) => value !== sum[place]))
      throw new Mistake("A character of the device secret is wrong. Compare it with your record, group by group.", "secret");
    return all.subarray(0, SECRET_BYTES);
  }

  async function decrypt({ header, headerBytes, sealed }, password) {
    const base = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveKey"]);
    const derivation = { name: "PBKDF2", hash: "SHA-256", salt: bytes(header.kdf.salt), iterations: header.kdf.iterations };
    const key = await crypto.subtle.deriveKey(derivation, base, { name: "AES-GCM", length: 256 }, false, ["decrypt"]);
    try {
      const parameters = { name: "AES-GCM", iv: bytes(header.cipher.nonce), additionalData: headerBytes };
      return json(await crypto.subtle.decrypt(parameters, key, sealed));
    } catch {
      throw new Mistake("The packet did not open. Either the release code is wrong, or the secret is that of another device, " +
        "or the file was changed on its way. Check the code first; if it is right, ask the office for a new packet and code.", "code");
    }
  }

  async function pasteSecret() {
    try {
      at("secret").value = await navigator.clipboard.readText();
      at("paste-said").textContent = "Pasted.";
      at("code").focus();
    } catch {
      at("paste-said").textContent = "The browser does not allow it. Press and hold in the box, or press Ctrl+V.";
      at("secret").focus();
    }
  }

  function show(header, contents) {
    at("locked").remove();
    const verb = { publish: "Post this message", correct: "Post this correction", withdraw: "Delete the earlier post" };
    const title = contents.exercise ? "EXERCISE: rehearse this task" : verb[contents.kind];
    document.title = title;
    at("opened-title").textContent = title;
    at("until").textContent = when(Date.parse(header.expires_at));
    at("handle").textContent = contents.handle;
    at("task").textContent = contents.reference;
    at("delivery").textContent = contents.delivery;
    at("valid").textContent = when(Date.parse(contents.valid_until));
    contents.steps.forEach((step, place) => tickBox("steps", `${place + 1}. ${step}`));
    fill(contents);
    at("report").textContent = contents.report;
    at("opened").hidden = false;
    tick(header);
    at("opened-title").focus();
  }

  function fill({ kind, captions, settings, disclosure, original }) {
    captions.forEach(({ language, text }) => {
      const section = at("captions").appendChild(document.createElement("section"));
      const heading = section.appendChild(document.createElement("h2"));
      heading.textContent = `Caption: ${languageName(language)}`;
      section.append(...copyBox(text, heading.textContent, language));
    });
    for (const [name, value] of Object.entries(settings)) tickBox("settings", `${name[0].toUpperCase()}${name.slice(1)}: ${value}`);
    tickBox("settings", disclosure);
    at("settings-section").hidden = kind === "withdraw";
    at("original-section").hidden = original === null;
    if (original !== null) at("original").append(...copyBox(original, "Link of the earlier post", "zxx"));
  }

  function languageName(tag) {
    return tag === "mul" ? "all languages, in one post" : new Intl.DisplayNames(["en"], { type: "language" }).of(tag);
  }

  function tickBox(list, text) {
    const label = document.createElement("label"), box = document.createElement("input"), words = document.createElement("span");
    box.type = "checkbox";
    words.textContent = text;
    label.append(box, words);
    at(list).appendChild(document.createElement("li")).append(label);
  }

  function copyBox(text, name, language) {
    const area = document.createElement("textarea"), row = document.createElement("div");
    const button = document.createElement("button"), said = document.createElement("span");
    Object.assign(area, { readOnly: true, value: text, lang: language, dir: "auto" });
    area.setAttribute("aria-label", name);
    row.className = "row";
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy: ${name}`);
    said.setAttribute("role", "status");
    row.append(button, said);
    button.addEventListener("click", async () => { said.textContent = await copy(text, area); });
    return [area, row];
  }

  async function copy(text, area) {
    try {
      await navigator.clipboard.writeText(text);
      return "Copied.";
    } catch {
      area.focus();
      area.select();
      return document.execCommand("copy") ? "Copied." : "Not copied, but selected: press and hold, or press Ctrl+C.";
    }
  }

  start();
})();
