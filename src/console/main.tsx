// The web console: one page over the HTTP API. It knows nothing that the API does not tell it.
import { render } from 'preact'
import './style/tokens.css'
import './style/layout.css'
import './style/controls.css'
import './style/parts.css'
import './style/views.css'
import { App } from './views/app.tsx'

const place = document.getElementById('app')
if (place !== null) render(<App />, place)
