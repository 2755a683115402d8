/** What the service worker says to a page when a notification was clicked. */
export interface OpenTask {
  readonly openTask: string;
}
