import { type RefObject, useEffect, useLayoutEffect, useState } from 'react';

/** What scrolls on every page, `Shell`. */
const SCROLLER = '#page';

export interface InScroller {
  scroller: HTMLElement | null;
  /** Where the element begins in what is scrolled, in CSS pixels. */
  top: number;
  /** Its beginning is out of sight, above: one reads further down. */
  isInside: boolean;
}

/** How an element lies in the page that scrolls. `covered`: what covers the top of the page. */
export function useScrolledInto(
  element: RefObject<HTMLElement | null>,
  covered: number,
): InScroller {
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  const [top, setTop] = useState(0);
  const [isInside, setInside] = useState(false);
  useLayoutEffect(
    () => setScroller(element.current?.closest<HTMLElement>(SCROLLER) ?? null),
    [element],
  );
  useEffect(() => {
    const target = element.current;
    if (target === null || scroller === null) return;
    let begins = 0;
    const look = () => setInside(scroller.scrollTop > begins - covered);
    const measure = () => {
      const from = target.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
      begins = from + scroller.scrollTop;
      setTop(begins);
      look();
    };
    measure();
    // Whatever grows above or in the list resizes what contains both.
    const observer = new ResizeObserver(measure);
    observer.observe(target.closest('main') ?? target);
    scroller.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      scroller.removeEventListener('scroll', look);
    };
  }, [element, scroller, covered]);
  return { scroller, top, isInside };
}
