import { MSGPACK_SUBPROTOCOL } from '../protocol/messages';
import { post } from './http';

const WEBSOCKET_PATH = '/api/ws';

export interface SocketEvents {
  opened(): void;
  message(frame: ArrayBuffer): void;
  closed(code: number, reason: string): void;
}

export interface Socket {
  send(frame: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** What a link needs of the world, so that tests can stand in for it. */
export interface LinkEnvironment {
  openSocket(events: SocketEvents): Socket;
  fetchTicket(): Promise<string>;
  /** A monotonic clock in seconds. */
  now(): number;
  /** In [0, 1). */
  random(): number;
  /** Call back after some seconds; the function returned takes it back. */
  schedule(seconds: number, callback: () => void): () => void;
}

export const browserEnvironment: LinkEnvironment = {
  openSocket(events) {
    const url = new URL(WEBSOCKET_PATH, location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    url.hash = '';
    const socket = new WebSocket(url, MSGPACK_SUBPROTOCOL);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => events.opened();
    socket.onmessage = (event) => events.message(event.data as ArrayBuffer);
    socket.onclose = (event) => events.closed(event.code, event.reason);
    return {
      // A socket that is closing drops what it is given, and browsers warn of it: what is written
      // between the end of a connection and its `close` event is sent again by the next one.
      send: (frame) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(frame);
      },
      close: () => socket.close(),
    };
  },
  async fetchTicket() {
    return (await post<{ ticket: string }>('/api/ws-ticket')).ticket;
  },
  now: () => performance.now() / 1000,
  random: Math.random,
  schedule(seconds, callback) {
    const timer = setTimeout(callback, seconds * 1000);
    return () => clearTimeout(timer);
  },
};
