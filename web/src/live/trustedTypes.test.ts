import { expect, test } from 'vitest';
import { RULES, restrictSinks, SERVICE_WORKER } from './trustedTypes';

test.each([
  '',
  'a { color: red }',
  '@media (min-width: 36em) { :root { --x: "a>b" } }',
  '&lt;b&gt;',
])('%j makes no element and is let through', (text) => {
  expect(RULES.createHTML(text)).toBe(text);
});

test.each([
  '<script></script>',
  '<img src=x onerror=alert(1)>',
  'a</style><script>alert(1)</script>',
  '<',
  '<!-- -->',
])('%j is refused', (text) => {
  expect(() => RULES.createHTML(text)).toThrow(TypeError);
});

test.each([
  'https://example.com/serviceWorker.js',
  '//example.com/serviceWorker.js',
  '/serviceWorker.js?x',
  'serviceWorker.js',
  'data:text/javascript,alert(1)',
  'blob:x',
  '',
])('the script %j is not loaded', (url) => {
  expect(() => RULES.createScriptURL(url)).toThrow(TypeError);
});

test('the one script is loaded, no text is run, and the policy is the default one', () => {
  expect(RULES.createScriptURL(SERVICE_WORKER)).toBe(SERVICE_WORKER);
  const made: unknown[] = [];
  restrictSinks({ createPolicy: (name, rules) => made.push([name, Object.keys(rules)]) });
  expect(made).toEqual([['default', ['createHTML', 'createScriptURL']]]);
  restrictSinks(undefined);
});
