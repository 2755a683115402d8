import { Notifications } from '@mantine/notifications';

const SHOWN_NOTICES = 3;

/** Where short notices of the page itself appear. */
export default function Notices() {
  return <Notifications position="top-right" limit={SHOWN_NOTICES} />;
}
