import { Button } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef } from 'react';
import { useHeldRows } from '../../hooks/useHeldRows';
import { useRowKeys } from '../../hooks/useRowKeys';
import { useScrolledInto } from '../../hooks/useScrolledInto';
import type { TaskListView } from '../../hooks/useTaskList';
import { PHONE } from '../breakpoints';
import { TaskRow } from './TaskRow';
import styles from './TaskRows.module.css';

const ROW_PIXELS = 43;
/** Command above the rest, `TaskRow.module.css`. */
const NARROW = '(max-width: 1023px)';
const NARROW_ROW_PIXELS = 65;
/** Under the last row there is the border of the list. */
const LINE_PIXELS = 1;
const OVERSCAN_ROWS = 12;
const ROWS_AHEAD = 40;
/** The page's header and, where there is room, the filter stay in sight. */
const COVERED_PIXELS = 100;
const COVERED_PIXELS_ON_PHONE = 52;

interface Props {
  view: TaskListView;
  /** Names of the workspaces by their ids; null: they are all of one. */
  names: ReadonlyMap<string, string> | null;
}

/** Any number of tasks: only those in sight are there. */
export function TaskRows({ view, names }: Props) {
  const list = useRef<HTMLUListElement>(null);
  const isNarrow = useMediaQuery(NARROW, undefined, { getInitialValueInEffect: false });
  const isPhone = useMediaQuery(PHONE, undefined, { getInitialValueInEffect: false });
  const covered = isPhone ? COVERED_PIXELS_ON_PHONE : COVERED_PIXELS;
  const { scroller, top, isInside } = useScrolledInto(list, covered);
  const rowPixels = isNarrow ? NARROW_ROW_PIXELS : ROW_PIXELS;
  const keys = useRowKeys(view.tasks, (index) => virtual.scrollToIndex(index));
  const rows = useHeldRows(view, isInside || keys.isFocused);
  const activeIndex = rows.tasks.findIndex(({ id }) => id === keys.active);
  const virtual = useVirtualizer({
    count: rows.tasks.length,
    getScrollElement: () => scroller,
    estimateSize: () => rowPixels,
    getItemKey: (index) => rows.tasks[index]?.id ?? index,
    overscan: OVERSCAN_ROWS,
    scrollMargin: top,
    scrollPaddingStart: covered,
    // The row that has the focus stays, so that the focus does.
    rangeExtractor: (range) => [
      ...new Set([...defaultRangeExtractor(range), ...(activeIndex < 0 ? [] : [activeIndex])]),
    ],
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was measured is of other rows
  useEffect(() => virtual.measure(), [rowPixels]);
  const items = virtual.getVirtualItems();
  const end = virtual.range?.endIndex ?? 0;
  useEffect(() => {
    if (end > rows.tasks.length - ROWS_AHEAD) view.more();
  });
  const stop = activeIndex >= 0 ? activeIndex : (virtual.range?.startIndex ?? 0);
  return (
    <>
      {rows.newer > 0 && (
        <div className={styles.newer}>
          <Button size="xs" radius="xl" onClick={() => scroller?.scrollTo({ top: top - covered })}>
            ↑ {rows.newer} new
          </Button>
        </div>
      )}
      <ul
        ref={list}
        className={styles.list}
        data-virtual
        aria-label="Tasks"
        style={{ height: virtual.getTotalSize() - LINE_PIXELS }}
        {...listeners(keys)}
      >
        {items.map(({ index, start, size }) => {
          const task = rows.tasks[index];
          if (task === undefined) return null;
          return (
            <li
              key={task.id}
              className={styles.item}
              aria-setsize={view.complete ? rows.tasks.length : -1}
              aria-posinset={index + 1}
              style={{ height: size, transform: `translateY(${start - top}px)` }}
            >
              <TaskRow
                task={task}
                workspace={names === null ? null : (names.get(task.workspaceId) ?? '')}
                isStop={index === stop}
              />
            </li>
          );
        })}
      </ul>
    </>
  );
}

function listeners({ onKeyDown, onFocus, onBlur }: ReturnType<typeof useRowKeys>) {
  return { onKeyDown, onFocus, onBlur };
}
