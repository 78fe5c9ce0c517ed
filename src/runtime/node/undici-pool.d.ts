// Types for undici's pool module, imported alone: the whole package takes five times as long to load. For runtime/node/transport.
declare module 'undici/lib/dispatcher/pool.js' {
  export { Pool as default } from 'undici';
}
