import './live/trustedTypes';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { prefetchLater } from './components/Later';
import { Client } from './live/client';
import { whenIdle } from './live/idle';
import { prefetchPages } from './router';
import { registerServiceWorker, reloadAfterUpgrades } from './serviceWorker/register';
import { applyColorScheme } from './theme';
import './styles/fonts.css';
import './styles/mantine.css';
import './styles/base.css';

applyColorScheme();
reloadAfterUpgrades();
const client = new Client();
void client.session.start();

const root = document.getElementById('root');
if (root === null) {
  throw new Error('index.html has no #root');
}
createRoot(root).render(
  <StrictMode>
    <App client={client} />
  </StrictMode>,
);

whenIdle(() => {
  prefetchLater();
  prefetchPages();
  registerServiceWorker();
});
