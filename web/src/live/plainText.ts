// CSI, OSC/DCS/SOS/PM/APC strings and two-character escapes, as ECMA-48 has them.
const ESCAPES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are made of them.
  /\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_](?:[^\x07\x1b]|\x1b(?!\\))*(?:\x07|\x1b\\|$)|[ -/]*[0-~])/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is left out.
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f]/g;
const LINE_END = /\r?\n$/;

/** What a person reads of bytes: without escape sequences, and of rewritten lines the last. */
export function plainText(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes).replace(ESCAPES, '').replace(LINE_END, '');
  return text.slice(text.lastIndexOf('\r') + 1).replace(CONTROLS, '');
}
