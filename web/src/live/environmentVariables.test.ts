import { expect, test } from 'vitest';
import { environmentOf, parseVariables, problemOfVariables } from './environmentVariables';

test('what was copied from a file or from `env` is taken apart', () => {
  const text = 'A=1\n# why\n\nexport B="two words"\n C = x=y \nEMPTY=\nBARE';
  expect(parseVariables(text)).toEqual([
    { name: 'A', value: '1' },
    { name: 'B', value: 'two words' },
    { name: 'C', value: 'x=y' },
    { name: 'EMPTY', value: '' },
    { name: 'BARE', value: '' },
  ]);
});

test.each([
  [[{ name: 'A', value: null }], 'Give A a value'],
  [[{ name: '', value: 'x' }], 'no name'],
  [[{ name: 'A=B', value: 'x' }], 'no “=”'],
  [
    [
      { name: 'A', value: '1' },
      { name: 'A', value: '2' },
    ],
    'A is there twice',
  ],
])('%j is not accepted', (variables, problem) => {
  expect(problemOfVariables(variables)).toContain(problem);
});

test('empty rows are left out', () => {
  const variables = [
    { name: 'A', value: '' },
    { name: '', value: '' },
  ];
  expect(problemOfVariables(variables)).toBeNull();
  expect(environmentOf(variables)).toEqual({ A: '' });
});
