import { expect, test } from 'vitest';
import { passwordProblem } from './passwords';

test.each([
  ['', null],
  ['short', '5 more characters.'],
  ['123456789', 'One more character.'],
  // One character each, however many bytes or UTF-16 units they take.
  ['🌳🌳🌳🌳🌳🌳🌳🌳🌳', 'One more character.'],
  ['e\u0301'.repeat(9), 'One more character.'],
  ['correct horse', null],
  ['ALEXANDRIA', 'The name of the account is no password.'],
  ['ä'.repeat(513), 'It is too long: 1024 bytes at most.'],
])('%j: %j', (password, problem) => {
  expect(passwordProblem(password, 'alexandria')).toBe(problem);
});
