// The web console: one page over the HTTP API. It knows nothing that the API does not tell it.
import { render } from 'preact'

const place = document.getElementById('app')
if (place !== null) render(<main>insight-rag</main>, place)
