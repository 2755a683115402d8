/** A sentence of the hub in which commands stand between backticks. */
export function CodedText({ text }: { text: string }) {
  return text.split('`').map((part, index, { length }) =>
    // Between the first and second, third and fourth backtick; one without a pair is text.
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one sentence stay where they are
    index % 2 === 1 && index < length - 1 ? <code key={index}>{part}</code> : part,
  );
}
