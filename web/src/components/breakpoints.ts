/** Below this the rail becomes tabs under the page. */
export const PHONE = '(max-width: 719px)';
