import { afterEach, expect, test, vi } from 'vitest';
import { browserEnvironment } from './environment';

afterEach(() => vi.unstubAllGlobals());

test('what is written while a socket closes is not given to it', () => {
  const sent: Uint8Array[] = [];
  class Socket {
    static OPEN = 1;
    static last: Socket;
    readyState = 1;
    constructor() {
      Socket.last = this;
    }
    send(frame: Uint8Array) {
      sent.push(frame);
    }
  }
  vi.stubGlobal('WebSocket', Socket);
  vi.stubGlobal('location', new URL('https://hub.example/'));
  const nothing = () => {};
  const events = { opened: nothing, message: nothing, closed: nothing };
  const socket = browserEnvironment.openSocket(events);
  socket.send(new Uint8Array([1]));
  Socket.last.readyState = 2;
  socket.send(new Uint8Array([2]));
  expect(sent).toEqual([new Uint8Array([1])]);
});
