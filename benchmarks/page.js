// What the page cannot say about itself: when frames arrive, when rows change, how long frames take.
(() => {
  const figures = { pressed: null, echoed: [], painted: [], frames: [], longTasks: [] };
  const decoder = new TextDecoder('latin1');
  let wanted = null;
  window.arborFigures = figures;

  // Resolves once the echo has arrived and, if `painted`, once a row shows something new.
  window.arborExpect = (text, painted) =>
    new Promise((resolve) => {
      wanted = { text, resolve, painted, arrived: false, seen: !painted };
    });

  const settle = () => {
    if (wanted !== null && wanted.arrived && wanted.seen) {
      const { resolve } = wanted;
      wanted = null;
      resolve();
    }
  };

  addEventListener(
    'keydown',
    () => {
      figures.pressed = performance.now();
    },
    true,
  );

  const Original = window.WebSocket;
  window.WebSocket = class extends Original {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', ({ data }) => {
        if (wanted === null || wanted.arrived || figures.pressed === null) return;
        if (!(data instanceof ArrayBuffer)) return;
        const text = decoder.decode(data);
        if (text.includes('output') && text.includes(wanted.text)) {
          figures.echoed.push(performance.now() - figures.pressed);
          wanted.arrived = true;
          settle();
        }
      });
    }
  };

  window.arborWatchRows = () => {
    new MutationObserver(() => {
      if (wanted === null || wanted.seen || !wanted.arrived) return;
      figures.painted.push(performance.now() - figures.pressed);
      wanted.seen = true;
      settle();
    }).observe(document.querySelector('.xterm-rows'), {
      childList: true,
      subtree: true,
      characterData: true,
    });
  };

  // Milliseconds from the last key until a row shows the text.
  window.arborShown = (text) =>
    new Promise((resolve) => {
      const look = () => {
        const rows = document.querySelector('.xterm-screen:not([aria-hidden]) > .xterm-rows');
        if (rows?.textContent.includes(text)) resolve(performance.now() - figures.pressed);
        else requestAnimationFrame(look);
      };
      look();
    });

  // Milliseconds from the next key until the text is drawn in front of the cursor.
  window.arborAtCursor = (text) =>
    new Promise((resolve) => {
      figures.pressed = null;
      const look = () => {
        const isCovered = document.querySelector('.xterm-screen[aria-hidden]') !== null;
        const isThere = figures.pressed !== null && !isCovered && beforeCursor().endsWith(text);
        if (isThere) resolve(performance.now() - figures.pressed);
        else requestAnimationFrame(look);
      };
      look();
    });

  const beforeCursor = () => {
    let before = '';
    let node = document.querySelector('.xterm-screen:not([aria-hidden]) .xterm-cursor');
    while (node !== null && (node = node.previousSibling) !== null) before = node.textContent + before;
    return before.replaceAll('\u00a0', ' ').trimEnd();
  };

  window.arborWatchFrames = () => {
    let last = performance.now();
    const frame = (now) => {
      figures.frames.push(now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) figures.longTasks.push(duration);
    }).observe({ type: 'longtask' });
  };
})();
