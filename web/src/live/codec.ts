import { decode, encode } from '@msgpack/msgpack';
import type { HubToViewer, ViewerToHub } from '../protocol/messages';

export function encodeMessage(message: ViewerToHub): Uint8Array<ArrayBuffer> {
  return encode(message, { ignoreUndefined: true });
}

/** A message of the hub; null for a type that is not spoken here, which is ignored. */
export function decodeMessage(frame: ArrayBuffer): HubToViewer | null {
  const message = decode(new Uint8Array(frame)) as HubToViewer;
  switch (message.type) {
    case 'welcome':
    case 'output':
    case 'gap':
    case 'screen':
    case 'terminal':
    case 'status':
    case 'workspace':
    case 'inputAck':
    case 'heartbeat':
    case 'error':
      return message;
    default:
      message satisfies never;
      return null;
  }
}
